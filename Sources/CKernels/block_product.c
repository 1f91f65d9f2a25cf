// Products of small matrices: one rectangle of the result at a time stays in registers.
//
// The rectangle depends on how many registers a CPU has, and how wide they are, so that the levels
// are written out instead of cloned.
#include "block_product.h"

// A rectangle of `height` rows and `width` vectors of `lanes` columns. Strides of 1 are passed as
// constants, so that each caller gets a loop of its own.
#define APUS_RECTANGLE(lanes, height, width)                                                  \
  APUS_INLINE void rectangle_##lanes##_##width(                                               \
      const float *a, ptrdiff_t row, ptrdiff_t step, const float *b, ptrdiff_t b_row, float *c, \
      ptrdiff_t c_row, ptrdiff_t depth, int add) {                                            \
    apus_vector_##lanes sum[height][width];                                                        \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) sum[i][j] = 0;                                          \
    }                                                                                         \
    APUS_PRAGMA(clang loop unroll(disable))                                                   \
    for (ptrdiff_t k = 0; k < depth; k++, a += step, b += b_row) {                            \
      apus_vector_##lanes right[width];                                                            \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) right[j] = *(const apus_vector_##lanes *)(b + j * lanes);    \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int i = 0; i < height; i++) {                                                      \
        const apus_vector_##lanes left = a[i * row];                                               \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int j = 0; j < width; j++) sum[i][j] += left * right[j];                         \
      }                                                                                       \
    }                                                                                         \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) {                                                       \
        apus_vector_##lanes *to = (apus_vector_##lanes *)(c + i * c_row + j * lanes);         \
        *to = add ? *to + sum[i][j] : sum[i][j];                                              \
      }                                                                                       \
    }                                                                                         \
  }

#define APUS_STRIP(lanes, height, width)                                                      \
  for (; column + width * lanes <= columns; column += width * lanes) {                        \
    for (ptrdiff_t i = 0; i < rows; i += height) {                                            \
      const float *from = a.data + i * a.row;                                                 \
      float *to = c + i * c_row + column;                                                     \
      if (a.depth == 1) {                                                                     \
        rectangle_##lanes##_##width(from, a.row, 1, b + column, b_row, to, c_row, depth, add); \
      } else {                                                                                \
        rectangle_##lanes##_##width(from, 1, a.depth, b + column, b_row, to, c_row, depth, add); \
      }                                                                                       \
    }                                                                                         \
  }

// Sums of the baseline: NEON has 32 registers, for 16 of them, two vectors of the right factor and what is repeated of the
// left one; SSE has 16 registers.
#if defined(__aarch64__)
#define APUS_BASELINE_ROWS 8
#else
#define APUS_BASELINE_ROWS 4
#endif

APUS_RECTANGLE(4, APUS_BASELINE_ROWS, 2)

static void product_baseline(apus_left a, const float *b, ptrdiff_t b_row, float *c,
                             ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                             int add) {
  ptrdiff_t column = 0;
  APUS_STRIP(4, APUS_BASELINE_ROWS, 2)
}

#if APUS_HAS_CLONES

APUS_RECTANGLE(8, 4, 2)
APUS_RECTANGLE(16, 8, 2)
APUS_RECTANGLE(16, 8, 1)

APUS_V3 static void product_v3(
    apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t rows,
    ptrdiff_t columns, ptrdiff_t depth, int add) {
  ptrdiff_t column = 0;
  APUS_STRIP(8, 4, 2)
}

APUS_V4 static void product_v4(
    apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t rows,
    ptrdiff_t columns, ptrdiff_t depth, int add) {
  ptrdiff_t column = 0;
  APUS_STRIP(16, 8, 2)
  APUS_STRIP(16, 8, 1)
}

#endif

void apus_block_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add) {
#if APUS_HAS_CLONES
  const int level = apus_cpu_level();
  if (level == 4) {
    product_v4(a, b, b_row, c, c_row, rows, columns, depth, add);
    return;
  }
  if (level == 3) {
    product_v3(a, b, b_row, c, c_row, rows, columns, depth, add);
    return;
  }
#endif
  product_baseline(a, b, b_row, c, c_row, rows, columns, depth, add);
}
