// Layer normalisation of rows, with and without scale and offset, and its gradient.
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
  APUS_CLONES(void, layer_norm_##s, (const T *x, T *y, T *means, T *rstds, ptrdiff_t rows,    \
              ptrdiff_t cols, double eps), (x, y, means, rstds, rows, cols, eps)) {           \
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
  APUS_CLONES(void, scaled_layer_norm_##s, (const T *x, const T *gamma, const T *beta, T *y,  \
              T *means, T *rstds, ptrdiff_t rows, ptrdiff_t cols, double eps),                \
              (x, gamma, beta, y, means, rstds, rows, cols, eps)) {                           \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {                              \
      const T mean = (T)(row_sum_##s(x, cols) / (double)cols);                                \
      const double variance = row_squares_##s(x, cols, mean) / (double)cols;                  \
      const T rstd = (T)(1 / __builtin_elementwise_sqrt(variance + eps));                     \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) y[c] = (x[c] - mean) * rstd * gamma[c] + beta[c];  \
      means[r] = mean;                                                                        \
      rstds[r] = rstd;                                                                        \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  /* The sums of each column over all rows are added to dgamma and dbeta. */                  \
  APUS_CLONES(void, scaled_layer_norm_grad_##s,                                               \
              (const T *x, const T *means, const T *rstds, const T *gamma, const T *g, T *dx, \
              T *dgamma, T *dbeta, ptrdiff_t rows, ptrdiff_t cols),                           \
              (x, means, rstds, gamma, g, dx, dgamma, dbeta, rows, cols)) {                   \
    for (ptrdiff_t r = 0; r < rows; r++, x += cols, g += cols, dx += cols) {                  \
      const T mean = means[r], rstd = rstds[r];                                               \
      apus_vector_##s sums = 0, dots = 0;                                                     \
      T end_g[APUS_LANES], end_y[APUS_LANES];                                                 \
      double sum = 0, dot = 0;                                                                \
      for (ptrdiff_t i = 0; i < cols;) {                                                      \
        const ptrdiff_t end = apus_min(cols, i + 1024);                                       \
        sums = 0, dots = 0;                                                                   \
        for (; i + APUS_LANES <= end; i += APUS_LANES) {                                      \
          const apus_vector_##s y = (APUS_AT(s, x + i) - mean) * rstd;                        \
          const apus_vector_##s u = APUS_AT(s, g + i), v = u * APUS_AT(s, gamma + i);         \
          APUS_PUT(s, dgamma + i, APUS_AT(s, dgamma + i) + u * y);                            \
          APUS_PUT(s, dbeta + i, APUS_AT(s, dbeta + i) + u);                                  \
          sums += v;                                                                          \
          dots += v * y;                                                                      \
        }                                                                                     \
        if (i < end) {                                                                        \
          for (int j = 0; j < APUS_LANES; j++) end_g[j] = end_y[j] = 0;                       \
          APUS_SCALAR                                                                         \
          for (ptrdiff_t c = i; c < end; c++) {                                               \
            const T y = (x[c] - mean) * rstd;                                                 \
            dgamma[c] += g[c] * y;                                                            \
            dbeta[c] += g[c];                                                                 \
            end_g[c - i] = g[c] * gamma[c];                                                   \
            end_y[c - i] = y;                                                                 \
          }                                                                                   \
          sums += APUS_AT(s, end_g);                                                          \
          dots += APUS_AT(s, end_g) * APUS_AT(s, end_y);                                      \
        }                                                                                     \
        i = end;                                                                              \
        sum += (double)add_lanes_##s(&sums);                                                  \
        dot += (double)add_lanes_##s(&dots);                                                  \
      }                                                                                       \
      const T level = (T)(sum / (double)cols), slope = (T)(dot / (double)cols);               \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t c = 0; c < cols; c++) {                                                  \
        dx[c] = rstd * ((g[c] * gamma[c] - level) - (x[c] - mean) * rstd * slope);            \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, layer_norm_grad_##s, (const T *y, const T *rstds, const T *g, T *dx,      \
              ptrdiff_t rows, ptrdiff_t cols), (y, rstds, g, dx, rows, cols)) {               \
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

void apus_scaled_layer_norm(int dtype, const void *x, const void *gamma, const void *beta, void *y,
                            void *mean, void *rstd, ptrdiff_t rows, ptrdiff_t cols, double eps) {
  if (dtype == APUS_FLOAT32) scaled_layer_norm_f32(x, gamma, beta, y, mean, rstd, rows, cols, eps);
  if (dtype == APUS_FLOAT64) scaled_layer_norm_f64(x, gamma, beta, y, mean, rstd, rows, cols, eps);
}

void apus_scaled_layer_norm_grad(int dtype, const void *x, const void *mean, const void *rstd,
                                 const void *gamma, const void *g, void *dx, void *dgamma,
                                 void *dbeta, ptrdiff_t rows, ptrdiff_t cols) {
  if (dtype == APUS_FLOAT32) {
    scaled_layer_norm_grad_f32(x, mean, rstd, gamma, g, dx, dgamma, dbeta, rows, cols);
  }
  if (dtype == APUS_FLOAT64) {
    scaled_layer_norm_grad_f64(x, mean, rstd, gamma, g, dx, dgamma, dbeta, rows, cols);
  }
}
