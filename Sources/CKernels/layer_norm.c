// Layer normalisation of rows, without scale and offset, and its gradient.
#include <math.h>

#include "lanes.h"

#define APUS_LAYER_NORM(code, s, T)                                                           \
  /* Σ (x − mean)², the second pass: no cancellation however large the mean. */               \
  APUS_INLINE double row_squares_##s(const T *x, ptrdiff_t n, T mean) {                       \
    double total = 0;                                                                         \
    for (ptrdiff_t i = 0; i < n;) {                                                           \
      const ptrdiff_t end = apus_min(n, i + 1024);                                            \
      apus_vector_##s a = 0;                                                                  \
      for (; i + APUS_LANES <= end; i += APUS_LANES) {                                        \
        const apus_vector_##s d = APUS_AT(s, x + i) - mean;                                   \
        a += d * d;                                                                           \
      }                                                                                       \
      if (i < end) {                                                                          \
        T last[APUS_LANES];                                                                   \
        load_end_##s(x + i, end - i, mean, last);                                             \
        const apus_vector_##s d = APUS_AT(s, last) - mean;                                    \
        a += d * d;                                                                           \
      }                                                                                       \
      i = end;                                                                                \
      total += (double)add_lanes_##s(&a);                                                     \
    }                                                                                         \
    return total;                                                                             \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void layer_norm_##s(const T *x, T *y, T *means, T *rstds,                \
                                         ptrdiff_t rows, ptrdiff_t cols, double eps) {        \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {                              \
      const T mean = (T)(row_sum_##s(x, cols) / (double)cols);                                \
      const double variance = row_squares_##s(x, cols, mean) / (double)cols;                  \
      const T rstd = (T)(1 / __builtin_elementwise_sqrt(variance + eps));                     \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) y[c] = (x[c] - mean) * rstd;                       \
      if (means) means[r] = mean;                                                             \
      if (rstds) rstds[r] = rstd;                                                             \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void layer_norm_grad_##s(const T *y, const T *rstds, const T *g, T *dx,  \
                                              ptrdiff_t rows, ptrdiff_t cols) {               \
    for (ptrdiff_t r = 0; r < rows; r++, y += cols, g += cols, dx += cols) {                  \
      const T mean = (T)(row_sum_##s(g, cols) / (double)cols);                                \
      const T slope = (T)(row_dot_##s(g, y, cols) / (double)cols);                            \
      const T rstd = rstds[r];                                                                \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) dx[c] = rstd * ((g[c] - mean) - y[c] * slope);     \
    }                                                                                         \
  }
APUS_FLOATS(APUS_LAYER_NORM)

void apus_layer_norm(int dtype, const void *x, void *y, void *mean, void *rstd, ptrdiff_t rows,
                     ptrdiff_t cols, double eps) {
  if (dtype == APUS_FLOAT32) layer_norm_f32(x, y, mean, rstd, rows, cols, eps);
  if (dtype == APUS_FLOAT64) layer_norm_f64(x, y, mean, rstd, rows, cols, eps);
}

void apus_layer_norm_grad(int dtype, const void *y, const void *rstd, const void *g, void *dx,
                          ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) layer_norm_grad_f32(y, rstd, g, dx, rows, cols);
  if (dtype == APUS_FLOAT64) layer_norm_grad_f64(y, rstd, g, dx, rows, cols);
}
