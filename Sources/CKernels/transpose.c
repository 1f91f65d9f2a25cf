// Transposition in blocks that fit the first-level cache; 4-byte elements 8 by 8 in registers.
#include "transpose.h"

#include "kernel.h"

typedef __attribute__((ext_vector_type(8), aligned(4), may_alias)) uint32_t u32x8;

#define APUS_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define APUS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define APUS_EVEN(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define APUS_ODD(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define APUS_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define APUS_SECOND(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

// Interleaves rows two by two, pairs four by four, then swaps halves.
APUS_INLINE void transpose_8x8(const uint32_t *x, ptrdiff_t ldx, uint32_t *y, ptrdiff_t ldy) {
  u32x8 r[8], s[8];
  for (int i = 0; i < 8; i++) r[i] = *(const u32x8 *)(x + i * ldx);
  for (int i = 0; i < 8; i += 2) {
    s[i] = APUS_LOW(r[i], r[i + 1]);
    s[i + 1] = APUS_HIGH(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = APUS_EVEN(s[i], s[i + 2]);
    r[i + 1] = APUS_ODD(s[i], s[i + 2]);
    r[i + 2] = APUS_EVEN(s[i + 1], s[i + 3]);
    r[i + 3] = APUS_ODD(s[i + 1], s[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    *(u32x8 *)(y + i * ldy) = APUS_FIRST(r[i], r[i + 4]);
    *(u32x8 *)(y + (i + 4) * ldy) = APUS_SECOND(r[i], r[i + 4]);
  }
}

// Blocks of 32 rows: 32 lines of y stay in the cache while x is read along its rows.
#define APUS_TRANSPOSE_BLOCKS(T)                                                          \
  {                                                                                       \
    const T *x = px;                                                                      \
    T *y = py;                                                                            \
    for (ptrdiff_t r0 = 0; r0 < rows; r0 += 32) {                                         \
      const ptrdiff_t r1 = apus_min(r0 + 32, rows);                                       \
      for (ptrdiff_t c = 0; c < cols; c++) {                                              \
        for (ptrdiff_t r = r0; r < r1; r++) y[c * ldy + r] = x[r * ldx + c];              \
      }                                                                                   \
    }                                                                                     \
    return;                                                                               \
  }

APUS_CLONES(void, transpose_4, (const uint32_t *x, ptrdiff_t ldx, uint32_t *y, ptrdiff_t ldy,
            ptrdiff_t rows, ptrdiff_t cols), (x, ldx, y, ldy, rows, cols)) {
  const ptrdiff_t whole_rows = rows & ~(ptrdiff_t)7, whole_cols = cols & ~(ptrdiff_t)7;
  for (ptrdiff_t r0 = 0; r0 < whole_rows; r0 += 32) {
    const ptrdiff_t r1 = apus_min(r0 + 32, whole_rows);
    for (ptrdiff_t c = 0; c < whole_cols; c += 8) {
      for (ptrdiff_t r = r0; r < r1; r += 8) {
        transpose_8x8(x + r * ldx + c, ldx, y + c * ldy + r, ldy);
      }
    }
  }
  for (ptrdiff_t c = whole_cols; c < cols; c++) {
    for (ptrdiff_t r = 0; r < whole_rows; r++) y[c * ldy + r] = x[r * ldx + c];
  }
  for (ptrdiff_t c = 0; c < cols; c++) {
    for (ptrdiff_t r = whole_rows; r < rows; r++) y[c * ldy + r] = x[r * ldx + c];
  }
}

void apus_transpose_strided(int size, const void *px, ptrdiff_t ldx, void *py, ptrdiff_t ldy,
                            ptrdiff_t rows, ptrdiff_t cols) {
  switch (size) {
    case 1: APUS_TRANSPOSE_BLOCKS(uint8_t)
    case 2: APUS_TRANSPOSE_BLOCKS(uint16_t)
    case 4: transpose_4(px, ldx, py, ldy, rows, cols); return;
    case 8: APUS_TRANSPOSE_BLOCKS(uint64_t)
    default: return;
  }
}

void apus_transpose2d(int size, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols) {
  apus_transpose_strided(size, x, cols, y, rows, rows, cols);
}
