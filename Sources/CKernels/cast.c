// Conversions between element types.
#include "elementwise.h"

// Conversion of a float outside the integer's range is undefined in C; so saturate. The upper
// bounds are the first values too large: the largest integers are not floats.
#define APUS_SATURATE(T, LOW, HIGH, BEYOND) \
  (u != u ? (T)0 : u >= (BEYOND) ? (HIGH) : u < (LOW) ? (T)(LOW) : (T)u)
#define APUS_TO_I32 APUS_SATURATE(int32_t, -2147483648.0f, INT32_MAX, 2147483648.0f)
#define APUS_TO_I64 \
  APUS_SATURATE(int64_t, -9223372036854775808.0f, INT64_MAX, 9223372036854775808.0f)
#define APUS_TO_U8 APUS_SATURATE(uint8_t, 0.0f, UINT8_MAX, 256.0f)

#define APUS_FROM_FLOAT(code, s, T)                     \
  APUS_UNARY(s##_to_i32, T, int32_t, APUS_TO_I32)       \
  APUS_UNARY(s##_to_i64, T, int64_t, APUS_TO_I64)       \
  APUS_UNARY(s##_to_u8, T, uint8_t, APUS_TO_U8)         \
  APUS_UNARY(s##_to_b8, T, uint8_t, u != 0)
APUS_FLOATS(APUS_FROM_FLOAT)
APUS_UNARY(f32_to_f64, float, double, u)
APUS_UNARY(f64_to_f32, double, float, u)

#define APUS_FROM_INTEGER(code, s, T)        \
  APUS_UNARY(s##_to_f32, T, float, u)        \
  APUS_UNARY(s##_to_f64, T, double, u)       \
  APUS_UNARY(s##_to_b8, T, uint8_t, u != 0)
APUS_INTEGERS(APUS_FROM_INTEGER)
APUS_UNARY(i32_to_i64, int32_t, int64_t, u)
APUS_UNARY(i32_to_u8, int32_t, uint8_t, u)
APUS_UNARY(i64_to_i32, int64_t, int32_t, u)
APUS_UNARY(i64_to_u8, int64_t, uint8_t, u)
APUS_UNARY(u8_to_i32, uint8_t, int32_t, u)
APUS_UNARY(u8_to_i64, uint8_t, int64_t, u)

// Copies, by size. memmove, because y may be x.
#define APUS_COPY(name, T)                                                      \
  static void name(const void *px, ptrdiff_t sx, void *py, ptrdiff_t n) {       \
    const T *x = px;                                                            \
    T *y = py;                                                                  \
    if (sx == 1) {                                                              \
      if (n > 0) memmove(y, x, (size_t)n * sizeof(T));                          \
    } else {                                                                    \
      for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i * sx];                       \
    }                                                                           \
  }
APUS_COPY(copy_1, uint8_t)
APUS_COPY(copy_4, uint32_t)
APUS_COPY(copy_8, uint64_t)

static const apus_unary_fn table[APUS_BOOL + 1][APUS_BOOL + 1] = {
    [APUS_FLOAT32] = {copy_4, f32_to_f64, f32_to_i32, f32_to_i64, f32_to_u8, f32_to_b8},
    [APUS_FLOAT64] = {f64_to_f32, copy_8, f64_to_i32, f64_to_i64, f64_to_u8, f64_to_b8},
    [APUS_INT32] = {i32_to_f32, i32_to_f64, copy_4, i32_to_i64, i32_to_u8, i32_to_b8},
    [APUS_INT64] = {i64_to_f32, i64_to_f64, i64_to_i32, copy_8, i64_to_u8, i64_to_b8},
    [APUS_UINT8] = {u8_to_f32, u8_to_f64, u8_to_i32, u8_to_i64, copy_1, u8_to_b8},
    [APUS_BOOL] = {u8_to_f32, u8_to_f64, u8_to_i32, u8_to_i64, copy_1, copy_1},
};

apus_unary_fn apus_cast(int from, int to) {
  if ((unsigned)from > APUS_BOOL || (unsigned)to > APUS_BOOL) return NULL;
  return table[from][to];
}

// Whether a number's whole part is outside [LOW, BEYOND), both exact in double precision.
#define APUS_OUTSIDE(LOW, BEYOND) \
  (!(__builtin_trunc((double)u) >= (LOW) && __builtin_trunc((double)u) < (BEYOND)))

#define APUS_FIRST(T, CONDITION)                \
  for (ptrdiff_t i = 0; i < n; i++) {           \
    const T u = ((const T *)x)[i];              \
    if (CONDITION) return i;                    \
  }                                             \
  return -1

#define APUS_FIRST_OF_FLOATS(code, s, T)                                                    \
  static ptrdiff_t first_##s(const void *x, int to, ptrdiff_t n) {                          \
    switch (to) {                                                                           \
      case APUS_INT32: APUS_FIRST(T, APUS_OUTSIDE(-0x1p31, 0x1p31));                        \
      case APUS_INT64: APUS_FIRST(T, APUS_OUTSIDE(-0x1p63, 0x1p63));                        \
      case APUS_UINT8: APUS_FIRST(T, APUS_OUTSIDE(0.0, 256.0));                             \
      default: return -1;                                                                   \
    }                                                                                       \
  }
APUS_FLOATS(APUS_FIRST_OF_FLOATS)

#define APUS_FIRST_OF_INTEGERS(code, s, T)                                                  \
  static ptrdiff_t first_##s(const void *x, int to, ptrdiff_t n) {                          \
    switch (to) {                                                                           \
      case APUS_INT32: APUS_FIRST(T, (int64_t)u < INT32_MIN || (int64_t)u > INT32_MAX);     \
      case APUS_UINT8: APUS_FIRST(T, (int64_t)u < 0 || (int64_t)u > UINT8_MAX);             \
      default: return -1;                                                                   \
    }                                                                                       \
  }
APUS_INTEGERS(APUS_FIRST_OF_INTEGERS)

ptrdiff_t apus_first_outside(int from, const void *x, int to, ptrdiff_t n) {
  switch (from) {
#define APUS_CASE(code, s, T) \
  case code: return first_##s(x, to, n);
    APUS_NUMBERS(APUS_CASE)
    default: return -1;
  }
}
