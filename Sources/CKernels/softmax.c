// Softmax and log-softmax of rows, the cross-entropy of class numbers, and their gradients.
#include <math.h>

#include "lanes.h"
#include "vector_math.h"

// The exponential of 16 lanes in memory, which the compiler keeps in registers.
APUS_INLINE void exp_lanes_f32(float *lane) {
  APUS_VECTORIZE
  for (int j = 0; j < APUS_LANES; j++) lane[j] = apus_expf(lane[j]);
}

APUS_INLINE void exp_lanes_f64(double *lane) {
  for (int j = 0; j < APUS_LANES; j++) lane[j] = exp(lane[j]);
}

APUS_INLINE float log_f32(float x) { return apus_logf(x); }
APUS_INLINE double log_f64(double x) { return log(x); }

#define APUS_NARROW 16  // columns

// Rows come in two kinds. A wide one is walked in vectors; a padded lane of its end holds
// −infinity, whose exponential adds nothing. Narrow ones (a class a column, often ten) go 16 at a
// time, each in a lane of its own, so that no vector is reduced or partly filled.
#define APUS_SOFTMAX(code, s, T)                                                              \
  /* Σ exp(x − shift); the terms go to y unless it is NULL. */                                \
  APUS_INLINE T exponentials_##s(const T *x, T *y, ptrdiff_t n, T shift) {                    \
    apus_vector_##s sum = 0;                                                                  \
    T lane[APUS_LANES];                                                                       \
    ptrdiff_t i = 0;                                                                          \
    for (; i + APUS_LANES <= n; i += APUS_LANES) {                                            \
      APUS_PUT(s, lane, APUS_AT(s, x + i) - shift);                                           \
      exp_lanes_##s(lane);                                                                    \
      if (y) APUS_PUT(s, y + i, APUS_AT(s, lane));                                            \
      sum += APUS_AT(s, lane);                                                                \
    }                                                                                         \
    if (i < n) {                                                                              \
      load_end_##s(x + i, n - i, -(T)INFINITY, lane);                                         \
      APUS_PUT(s, lane, APUS_AT(s, lane) - shift);                                            \
      exp_lanes_##s(lane);                                                                    \
      if (y) store_end_##s(y + i, n - i, lane);                                               \
      sum += APUS_AT(s, lane);                                                                \
    }                                                                                         \
    return add_lanes_##s(&sum);                                                               \
  }                                                                                           \
                                                                                              \
  /* At most 16 rows of at most 16 columns. A lane without a row repeats the last one. */     \
  APUS_INLINE void narrow_##s(const T *x, T *y, ptrdiff_t rows, ptrdiff_t cols, int log) {    \
    T lane[APUS_NARROW * APUS_LANES], total[APUS_LANES];                                      \
    for (ptrdiff_t r = 0; r < APUS_LANES; r++) {                                              \
      const T *row = x + apus_min(r, rows - 1) * cols;                                        \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t c = 0; c < cols; c++) lane[c * APUS_LANES + r] = row[c];                 \
    }                                                                                         \
    apus_vector_##s shift = -(T)INFINITY, sum = 0;                                            \
    for (ptrdiff_t c = 0; c < cols; c++) {                                                    \
      const apus_vector_##s u = APUS_AT(s, lane + c * APUS_LANES);                            \
      shift = APUS_LARGER(shift, u);                                                          \
    }                                                                                         \
    for (ptrdiff_t c = 0; c < cols; c++) {                                                    \
      T *at = lane + c * APUS_LANES, e[APUS_LANES];                                           \
      APUS_PUT(s, at, APUS_AT(s, at) - shift);                                                \
      APUS_PUT(s, e, APUS_AT(s, at));                                                         \
      exp_lanes_##s(e);                                                                       \
      sum += APUS_AT(s, e);                                                                   \
      if (!log) APUS_PUT(s, at, APUS_AT(s, e));                                               \
    }                                                                                         \
    APUS_PUT(s, total, log ? sum : 1 / sum);                                                  \
    if (log) {                                                                                \
      APUS_VECTORIZE                                                                          \
      for (int j = 0; j < APUS_LANES; j++) total[j] = log_##s(total[j]);                      \
    }                                                                                         \
    for (ptrdiff_t c = 0; c < cols; c++) {                                                    \
      T *at = lane + c * APUS_LANES;                                                          \
      const apus_vector_##s u = APUS_AT(s, at), t = APUS_AT(s, total);                        \
      APUS_PUT(s, at, log ? u - t : u * t);                                                   \
    }                                                                                         \
    for (ptrdiff_t r = 0; r < rows; r++) {                                                    \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t c = 0; c < cols; c++) y[r * cols + c] = lane[c * APUS_LANES + r];        \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void narrow_rows_##s(const T *x, T *y, ptrdiff_t rows, ptrdiff_t cols,          \
                                   int log) {                                                 \
    for (ptrdiff_t r = 0; r < rows; r += APUS_LANES) {                                        \
      narrow_##s(x + r * cols, y + r * cols, apus_min(APUS_LANES, rows - r), cols, log);      \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, softmax_##s, (const T *x, T *y, ptrdiff_t rows, ptrdiff_t cols),          \
              (x, y, rows, cols)) {                                                           \
    if (cols <= APUS_NARROW) {                                                                \
      narrow_rows_##s(x, y, rows, cols, 0);                                                   \
      return;                                                                                 \
    }                                                                                         \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {                              \
      const T shift = row_max_##s(x, cols, -(T)INFINITY);                                     \
      const T scale = 1 / exponentials_##s(x, y, cols, shift);                                \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) y[c] *= scale;                                     \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, log_softmax_##s, (const T *x, T *y, ptrdiff_t rows, ptrdiff_t cols),      \
              (x, y, rows, cols)) {                                                           \
    if (cols <= APUS_NARROW) {                                                                \
      narrow_rows_##s(x, y, rows, cols, 1);                                                   \
      return;                                                                                 \
    }                                                                                         \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {                              \
      const T shift = row_max_##s(x, cols, -(T)INFINITY);                                     \
      const T log_sum = log_##s(exponentials_##s(x, NULL, cols, shift));                      \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) y[c] = (x[c] - shift) - log_sum;                   \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, softmax_grad_##s, (const T *y, const T *g, T *dx, ptrdiff_t rows,         \
              ptrdiff_t cols), (y, g, dx, rows, cols)) {                                      \
    for (ptrdiff_t r = 0; r < rows; r++, y += cols, g += cols, dx += cols) {                  \
      const T dot = (T)row_dot_##s(g, y, cols);                                               \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) dx[c] = y[c] * (g[c] - dot);                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, log_softmax_grad_##s, (const T *y, const T *g, T *dx, ptrdiff_t rows,     \
              ptrdiff_t cols), (y, g, dx, rows, cols)) {                                      \
    for (ptrdiff_t r = 0; r < rows; r++, y += cols, g += cols, dx += cols) {                  \
      const T sum = (T)row_sum_##s(g, cols);                                                  \
      T lane[APUS_LANES], last[APUS_LANES];                                                   \
      ptrdiff_t i = 0;                                                                        \
      for (; i + APUS_LANES <= cols; i += APUS_LANES) {                                       \
        APUS_PUT(s, lane, APUS_AT(s, y + i));                                                 \
        exp_lanes_##s(lane);                                                                  \
        APUS_PUT(s, dx + i, APUS_AT(s, g + i) - APUS_AT(s, lane) * sum);                      \
      }                                                                                       \
      if (i < cols) {                                                                         \
        load_end_##s(y + i, cols - i, 0, lane);                                               \
        load_end_##s(g + i, cols - i, 0, last);                                               \
        exp_lanes_##s(lane);                                                                  \
        APUS_PUT(s, last, APUS_AT(s, last) - APUS_AT(s, lane) * sum);                         \
        store_end_##s(dx + i, cols - i, last);                                                \
      }                                                                                       \
    }                                                                                         \
  }
APUS_FLOATS(APUS_SOFTMAX)

// −log softmax(x)[label]. `norms` keeps the maximum and 1/Σ exp(x − max) of each row for the gradient.
#define APUS_CROSS_ENTROPY(code, s, T)                                                        \
  /* At most 16 rows of at most 16 columns; added in the order in which `add_lanes` adds. */    \
  APUS_INLINE void narrow_entropy_##s(const T *x, const int32_t *labels, T *y, T *norms,      \
                                      ptrdiff_t rows, ptrdiff_t cols) {                       \
    T e[APUS_NARROW * APUS_LANES], shifts[APUS_LANES], scale[APUS_LANES], logs[APUS_LANES];   \
    for (ptrdiff_t r = 0; r < APUS_LANES; r++) {                                              \
      const T *row = x + apus_min(r, rows - 1) * cols;                                        \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t c = 0; c < cols; c++) e[c * APUS_LANES + r] = row[c];                    \
    }                                                                                         \
    apus_vector_##s shift = -(T)INFINITY;                                                     \
    for (ptrdiff_t c = 0; c < cols; c++) {                                                    \
      const apus_vector_##s u = APUS_AT(s, e + c * APUS_LANES);                               \
      shift = APUS_LARGER(shift, u);                                                          \
    }                                                                                         \
    for (ptrdiff_t c = 0; c < APUS_NARROW; c++) {                                             \
      T *at = e + c * APUS_LANES;                                                             \
      APUS_PUT(s, at, c < cols ? APUS_AT(s, at) - shift : 0);                                 \
      if (c < cols) exp_lanes_##s(at);                                                        \
    }                                                                                         \
    for (ptrdiff_t half = APUS_NARROW / 2; half > 0; half /= 2) {                             \
      for (ptrdiff_t c = 0; c < half; c++) {                                                  \
        T *at = e + c * APUS_LANES;                                                           \
        APUS_PUT(s, at, APUS_AT(s, at) + APUS_AT(s, at + half * APUS_LANES));                 \
      }                                                                                       \
    }                                                                                         \
    APUS_PUT(s, shifts, shift);                                                               \
    APUS_PUT(s, logs, APUS_AT(s, e));                                                         \
    APUS_PUT(s, scale, 1 / APUS_AT(s, e));                                                    \
    APUS_VECTORIZE                                                                            \
    for (int j = 0; j < APUS_LANES; j++) logs[j] = log_##s(logs[j]);                          \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols) {                                         \
      y[r] = logs[r] - (x[labels[r]] - shifts[r]);                                            \
      norms[2 * r] = shifts[r];                                                               \
      norms[2 * r + 1] = scale[r];                                                            \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, cross_entropy_##s, (const T *x, const int32_t *labels, T *y, T *norms,    \
              ptrdiff_t rows, ptrdiff_t cols), (x, labels, y, norms, rows, cols)) {           \
    if (cols <= APUS_NARROW) {                                                                \
      for (ptrdiff_t r = 0; r < rows; r += APUS_LANES) {                                      \
        narrow_entropy_##s(x + r * cols, labels + r, y + r, norms + 2 * r,                    \
                           apus_min(APUS_LANES, rows - r), cols);                             \
      }                                                                                       \
      return;                                                                                 \
    }                                                                                         \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols) {                                         \
      const T shift = row_max_##s(x, cols, -(T)INFINITY);                                     \
      const T sum = exponentials_##s(x, NULL, cols, shift);                                   \
      y[r] = log_##s(sum) - (x[labels[r]] - shift);                                           \
      norms[2 * r] = shift;                                                                   \
      norms[2 * r + 1] = 1 / sum;                                                             \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, cross_entropy_grad_##s, (const T *x, const int32_t *labels,               \
              const T *norms, const T *g, T *dx, ptrdiff_t rows, ptrdiff_t cols),             \
              (x, labels, norms, g, dx, rows, cols)) {                                        \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, dx += cols) {                             \
      const T shift = norms[2 * r], factor = norms[2 * r + 1] * g[r];                         \
      T lane[APUS_LANES];                                                                     \
      ptrdiff_t i = 0;                                                                        \
      for (; i + APUS_LANES <= cols; i += APUS_LANES) {                                       \
        APUS_PUT(s, lane, APUS_AT(s, x + i) - shift);                                         \
        exp_lanes_##s(lane);                                                                  \
        APUS_PUT(s, dx + i, APUS_AT(s, lane) * factor);                                       \
      }                                                                                       \
      if (i < cols) {                                                                         \
        load_end_##s(x + i, cols - i, shift, lane);                                           \
        APUS_PUT(s, lane, APUS_AT(s, lane) - shift);                                          \
        exp_lanes_##s(lane);                                                                  \
        APUS_PUT(s, lane, APUS_AT(s, lane) * factor);                                         \
        store_end_##s(dx + i, cols - i, lane);                                                \
      }                                                                                       \
      dx[labels[r]] -= g[r];                                                                  \
    }                                                                                         \
  }
APUS_FLOATS(APUS_CROSS_ENTROPY)

void apus_softmax(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) softmax_f32(x, y, rows, cols);
  if (dtype == APUS_FLOAT64) softmax_f64(x, y, rows, cols);
}

void apus_log_softmax(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) log_softmax_f32(x, y, rows, cols);
  if (dtype == APUS_FLOAT64) log_softmax_f64(x, y, rows, cols);
}

void apus_softmax_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t rows,
                       ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) softmax_grad_f32(y, g, dx, rows, cols);
  if (dtype == APUS_FLOAT64) softmax_grad_f64(y, g, dx, rows, cols);
}

void apus_log_softmax_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t rows,
                           ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) log_softmax_grad_f32(y, g, dx, rows, cols);
  if (dtype == APUS_FLOAT64) log_softmax_grad_f64(y, g, dx, rows, cols);
}

void apus_cross_entropy(int dtype, const void *x, const int32_t *labels, void *y, void *norms,
                        ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) cross_entropy_f32(x, labels, y, norms, rows, cols);
  if (dtype == APUS_FLOAT64) cross_entropy_f64(x, labels, y, norms, rows, cols);
}

void apus_cross_entropy_grad(int dtype, const void *x, const int32_t *labels, const void *norms,
                             const void *g, void *dx, ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) cross_entropy_grad_f32(x, labels, norms, g, dx, rows, cols);
  if (dtype == APUS_FLOAT64) cross_entropy_grad_f64(x, labels, norms, g, dx, rows, cols);
}
