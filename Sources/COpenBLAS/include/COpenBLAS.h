// OpenBLAS, loaded while the program runs.
//
// Its kernels for a CPU are chosen when it is loaded, by the variable OPENBLAS_CORETYPE if that is set: too early for a library that
// a program links to.
#ifndef APUS_COPENBLAS_H
#define APUS_COPENBLAS_H

#ifdef __cplusplus
extern "C" {
#endif

/// What CBLAS calls a row-major matrix, and how it lies.
enum { APUS_ROW_MAJOR = 101, APUS_NOT_TRANSPOSED = 111, APUS_TRANSPOSED = 112 };

/// `c = alpha · a · b + beta · c` of CBLAS.
typedef void (*apus_sgemm_fn)(int order, int transposed_a, int transposed_b, int m, int n, int k,
                              float alpha, const float *a, int leading_a, const float *b,
                              int leading_b, float beta, float *c, int leading_c);
typedef void (*apus_dgemm_fn)(int order, int transposed_a, int transposed_b, int m, int n, int k,
                              double alpha, const double *a, int leading_a, const double *b,
                              int leading_b, double beta, double *c, int leading_c);

/// A library that has been loaded.
typedef struct {
  void *handle;
  apus_sgemm_fn sgemm;
  apus_dgemm_fn dgemm;
  /// Version and options; the CPU whose kernels are in use.
  char *(*config)(void);
  char *(*core_name)(void);
} apus_openblas;

/// Loads a library that computes on the calling thread.
///
/// - `name`: of the file, as the loader looks for it.
/// - `core`: the value of OPENBLAS_CORETYPE while it is loaded; NULL for that of the environment. No other library and no child
///   process sees it, unless one is started meanwhile.
/// - Returns: NULL, or why it cannot be used: a text that lasts until the next call.
const char *apus_openblas_open(const char *name, const char *core, apus_openblas *library);

/// Unloads it, unless something else in the process uses it.
void apus_openblas_close(apus_openblas *library);

#ifdef __cplusplus
}
#endif
#endif
