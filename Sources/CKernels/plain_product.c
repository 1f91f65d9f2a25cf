// Matrix products where there is no BLAS: 4 x 16 sums at a time, from a packed strip of the right factor.
#include "kernel.h"

enum { strip_depth = 256, block_rows = 4 };

#define APUS_PLAIN_PRODUCT(code, s, T)                                                        \
  APUS_CLONES(void, product_##s, (ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const T *a,          \
              ptrdiff_t row_a, ptrdiff_t column_a, const T *b, ptrdiff_t row_b,               \
              ptrdiff_t column_b, T *c, ptrdiff_t leading, int add),                          \
              (m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add)) {           \
    T strip[strip_depth * APUS_LANES];                                                        \
    for (ptrdiff_t j = 0; j < n; j += APUS_LANES) {                                           \
      const ptrdiff_t columns = apus_min(APUS_LANES, n - j);                                  \
      for (ptrdiff_t p = 0; p < k; p += strip_depth) {                                        \
        const ptrdiff_t depth = apus_min(strip_depth, k - p);                                 \
        for (ptrdiff_t q = 0; q < depth; q++) {                                               \
          const T *from = b + (p + q) * row_b + j * column_b;                                 \
          for (ptrdiff_t l = 0; l < APUS_LANES; l++) {                                        \
            strip[q * APUS_LANES + l] = l < columns ? from[l * column_b] : 0;                 \
          }                                                                                   \
        }                                                                                     \
        for (ptrdiff_t i = 0; i < m; i += block_rows) {                                       \
          const T *left[block_rows];                                                          \
          apus_vector_##s sum[block_rows] = {0};                                              \
          for (int r = 0; r < block_rows; r++) {                                              \
            left[r] = a + apus_min(i + r, m - 1) * row_a + p * column_a;                      \
          }                                                                                   \
          for (ptrdiff_t q = 0; q < depth; q++) {                                             \
            const apus_vector_##s right = *(const apus_vector_##s *)(strip + q * APUS_LANES); \
            APUS_PRAGMA(clang loop unroll(full))                                              \
            for (int r = 0; r < block_rows; r++) sum[r] += left[r][q * column_a] * right;     \
          }                                                                                   \
          for (ptrdiff_t r = 0; r < apus_min(block_rows, m - i); r++) {                       \
            T *to = c + (i + r) * leading + j;                                                \
            for (ptrdiff_t l = 0; l < columns; l++) {                                         \
              to[l] = add || p > 0 ? to[l] + sum[r][l] : sum[r][l];                           \
            }                                                                                 \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }
APUS_FLOATS(APUS_PLAIN_PRODUCT)

void apus_plain_product(int dtype, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *a,
                        ptrdiff_t row_a, ptrdiff_t column_a, const void *b, ptrdiff_t row_b,
                        ptrdiff_t column_b, void *c, ptrdiff_t leading, int add) {
  switch (dtype) {
#define APUS_CASE(code, s, T)                                                            \
  case code:                                                                             \
    product_##s(m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add); return;
    APUS_FLOATS(APUS_CASE)
    default: return;
  }
}
