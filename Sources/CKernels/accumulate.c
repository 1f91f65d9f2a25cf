// Adding (or taking extremes) into an array: between ranks, and of a bias into rows.
#include "kernel.h"

#define APUS_COMBINE(name, T, STEP)                                                           \
  APUS_CLONES(void, name, (const void *px, void *py, ptrdiff_t n), (px, py, n)) {             \
    const T *x = px;                                                                          \
    T *y = py;                                                                                \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T u = x[i], v = y[i];                                                             \
      y[i] = (T)(STEP);                                                                       \
    }                                                                                         \
  }

// NaN wins, and -0 is smaller than 0.
#define APUS_COMBINE_ALL(s, T, U, NEGATIVE)                                               \
  APUS_COMBINE(sum_##s, T, (U)v + (U)u)                                                   \
  APUS_COMBINE(min_##s, T, ((v < u) | (v != v) | ((v == u) & NEGATIVE(v))) ? v : u)       \
  APUS_COMBINE(max_##s, T, ((v > u) | (v != v) | ((v == u) & !NEGATIVE(v))) ? v : u)
#define APUS_NEVER(v) 0
#define APUS_SIGN(v) (__builtin_signbit(v) != 0)
APUS_COMBINE_ALL(f32, float, float, APUS_SIGN)
APUS_COMBINE_ALL(f64, double, double, APUS_SIGN)
APUS_COMBINE_ALL(i32, int32_t, uint32_t, APUS_NEVER)
APUS_COMBINE_ALL(i64, int64_t, uint64_t, APUS_NEVER)
APUS_COMBINE_ALL(u8, uint8_t, uint32_t, APUS_NEVER)

void apus_combine(int op, int dtype, const void *x, void *y, ptrdiff_t n) {
  typedef void (*combine_fn)(const void *, void *, ptrdiff_t);
  static const combine_fn table[3][APUS_UINT8 + 1] = {
      {sum_f32, sum_f64, sum_i32, sum_i64, sum_u8},
      {min_f32, min_f64, min_i32, min_i64, min_u8},
      {max_f32, max_f64, max_i32, max_i64, max_u8},
  };
  if ((unsigned)op > 2 || (unsigned)dtype > APUS_UINT8) return;
  table[op][dtype](x, y, n);
}

void apus_accumulate(int dtype, const void *x, void *y, ptrdiff_t n) {
  apus_combine(0, dtype, x, y, n);
}

void apus_bias_rows(int dtype, const void *bias, void *y, ptrdiff_t rows, ptrdiff_t cols) {
  const size_t row_bytes = (size_t)(cols * apus_dtype_size(dtype));
  char *row = y;
  for (ptrdiff_t r = 0; r < rows; r++, row += row_bytes) apus_combine(0, dtype, bias, row, cols);
}

// A product with 0 is 0, or NaN for an infinity and NaN: one instruction with memory for each vector.
#define APUS_ALL_FINITE(s, T)                                        \
  APUS_CLONES(int, all_finite_##s, (const void *px, ptrdiff_t n),      \
              (px, n)) {                                               \
    _Pragma("clang fp reassociate(on) contract(fast)")               \
    const T *x = px;                                                 \
    T sum = 0;                                                       \
    APUS_VECTORIZE                                                   \
    for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * (T)0;            \
    return sum == 0;                                                 \
  }
APUS_ALL_FINITE(f32, float)
APUS_ALL_FINITE(f64, double)

int apus_all_finite(int dtype, const void *x, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) return all_finite_f32(x, n);
  if (dtype == APUS_FLOAT64) return all_finite_f64(x, n);
  return 1;
}

void apus_combine_ranks(int op, int dtype, void *const *arrays, int ranks, ptrdiff_t start,
                        ptrdiff_t n) {
  enum { block_bytes = 4096 };
  _Alignas(64) char block[block_bytes];
  const ptrdiff_t size = apus_dtype_size(dtype);
  if (size == 0) return;
  const ptrdiff_t most = block_bytes / size;
  for (ptrdiff_t i = start; i < start + n; i += most) {
    const ptrdiff_t count = apus_min(most, start + n - i);
    memcpy(block, (const char *)arrays[0] + i * size, (size_t)(count * size));
    for (int rank = 1; rank < ranks; rank++) {
      apus_combine(op, dtype, (const char *)arrays[rank] + i * size, block, count);
    }
    for (int rank = 0; rank < ranks; rank++) {
      memcpy((char *)arrays[rank] + i * size, block, (size_t)(count * size));
    }
  }
}
