// Elementwise functions of two arguments.
#include <math.h>

#include "elementwise.h"
#include "vector_math.h"

// In the expressions u and v are the arguments. Comparisons are written so that NaN wins max and
// min: `u >= v` is false when either is NaN, and then `u != u` decides which.
#define APUS_COMPARISONS(code, s, T)                 \
  APUS_BINARY(eq_##s, T, uint8_t, u == v)            \
  APUS_BINARY(ne_##s, T, uint8_t, u != v)            \
  APUS_BINARY(lt_##s, T, uint8_t, u < v)             \
  APUS_BINARY(le_##s, T, uint8_t, u <= v)            \
  APUS_BINARY(gt_##s, T, uint8_t, u > v)             \
  APUS_BINARY(ge_##s, T, uint8_t, u >= v)
APUS_NUMBERS(APUS_COMPARISONS)

#define APUS_FLOAT_BINARY(code, s, T)                              \
  APUS_BINARY(add_##s, T, T, u + v)                                \
  APUS_BINARY(sub_##s, T, T, u - v)                                \
  APUS_BINARY(mul_##s, T, T, u *v)                                 \
  APUS_BINARY(div_##s, T, T, u / v)                                \
  APUS_BINARY(max_##s, T, T, ((u >= v) | (u != u)) ? u : v)        \
  APUS_BINARY(min_##s, T, T, ((u <= v) | (u != u)) ? u : v)
APUS_FLOATS(APUS_FLOAT_BINARY)

// Python's remainder: fmod moved to the sign of the divisor.
static float mod_float(float a, float b) {
  float r = fmodf(a, b);
  if (r == 0) return copysignf(0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

static double mod_double(double a, double b) {
  double r = fmod(a, b);
  if (r == 0) return copysign(0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

APUS_BINARY_CALL(mod_f32, float, mod_float(u, v))
APUS_BINARY_CALL(mod_f64, double, mod_double(u, v))
APUS_BINARY_BLOCKS(pow_f32, apus_powf(u, v))
APUS_BINARY_CALL(pow_f64, double, pow(u, v))

// Integers: sums and products in the unsigned type, where wrapping is defined. Division traps on
// x86 for a zero divisor and for the lowest number by −1; both are caught first.
#define APUS_INTEGER_BINARY(code, s, T, U)                                                      \
  APUS_INLINE T divide_##s(T a, T b) {                                                          \
    if (b == 0) return 0;                                                                       \
    if (b == (T)-1 && (T)-1 < (T)1) return (T)(0 - (U)a);                                       \
    T q = (T)(a / b);                                                                           \
    return (T)(q - (a % b != 0 && (a < 1) != (b < 1) && (T)-1 < (T)1));                         \
  }                                                                                             \
  APUS_INLINE T modulo_##s(T a, T b) {                                                          \
    if (b == 0 || (b == (T)-1 && (T)-1 < (T)1)) return 0;                                       \
    T r = (T)(a % b);                                                                           \
    return (T)(r != 0 && (T)-1 < (T)1 && (r < 1) != (b < 1) ? r + b : r);                       \
  }                                                                                             \
  APUS_INLINE T power_##s(T base, T exponent) {                                                 \
    if (exponent < 1 && exponent != 0) {                                                        \
      if (base == 1) return 1;                                                                  \
      if (base != (T)-1) return 0;                                                              \
      return (exponent & 1) ? (T)-1 : 1;                                                        \
    }                                                                                           \
    U result = 1, square = (U)base;                                                             \
    for (U e = (U)exponent; e != 0; e >>= 1) {                                                  \
      if (e & 1) result *= square;                                                              \
      square *= square;                                                                         \
    }                                                                                           \
    return (T)result;                                                                           \
  }                                                                                             \
  APUS_BINARY(add_##s, T, T, (U)u + (U)v)                                                       \
  APUS_BINARY(sub_##s, T, T, (U)u - (U)v)                                                       \
  APUS_BINARY(mul_##s, T, T, (U)u *(U)v)                                                        \
  APUS_BINARY(max_##s, T, T, u >= v ? u : v)                                                    \
  APUS_BINARY(min_##s, T, T, u <= v ? u : v)                                                    \
  APUS_BINARY_CALL(div_##s, T, divide_##s(u, v))                                                \
  APUS_BINARY_CALL(mod_##s, T, modulo_##s(u, v))                                                \
  APUS_BINARY_CALL(pow_##s, T, power_##s(u, v))
APUS_INTEGER_BINARY(APUS_INT32, i32, int32_t, uint32_t)
APUS_INTEGER_BINARY(APUS_INT64, i64, int64_t, uint64_t)
APUS_INTEGER_BINARY(APUS_UINT8, u8, uint8_t, uint32_t)

APUS_BINARY(and_b8, uint8_t, uint8_t, u &v)
APUS_BINARY(or_b8, uint8_t, uint8_t, u | v)

#define APUS_OF_NUMBERS(name)                                                       \
  [APUS_FLOAT32] = name##_f32, [APUS_FLOAT64] = name##_f64, [APUS_INT32] = name##_i32, \
  [APUS_INT64] = name##_i64, [APUS_UINT8] = name##_u8

static const apus_binary_fn table[APUS_OR + 1][APUS_BOOL + 1] = {
    [APUS_ADD] = {APUS_OF_NUMBERS(add), [APUS_BOOL] = or_b8},
    [APUS_SUB] = {APUS_OF_NUMBERS(sub)},
    [APUS_MUL] = {APUS_OF_NUMBERS(mul), [APUS_BOOL] = and_b8},
    [APUS_DIV] = {APUS_OF_NUMBERS(div)},
    [APUS_POW] = {APUS_OF_NUMBERS(pow)},
    [APUS_MAX] = {APUS_OF_NUMBERS(max), [APUS_BOOL] = or_b8},
    [APUS_MIN] = {APUS_OF_NUMBERS(min), [APUS_BOOL] = and_b8},
    [APUS_MOD] = {APUS_OF_NUMBERS(mod)},
    [APUS_EQ] = {APUS_OF_NUMBERS(eq), [APUS_BOOL] = eq_u8},
    [APUS_NE] = {APUS_OF_NUMBERS(ne), [APUS_BOOL] = ne_u8},
    [APUS_LT] = {APUS_OF_NUMBERS(lt), [APUS_BOOL] = lt_u8},
    [APUS_LE] = {APUS_OF_NUMBERS(le), [APUS_BOOL] = le_u8},
    [APUS_GT] = {APUS_OF_NUMBERS(gt), [APUS_BOOL] = gt_u8},
    [APUS_GE] = {APUS_OF_NUMBERS(ge), [APUS_BOOL] = ge_u8},
    [APUS_AND] = {[APUS_BOOL] = and_b8},
    [APUS_OR] = {[APUS_BOOL] = or_b8},
};

apus_binary_fn apus_binary(apus_binary_op op, int dtype) {
  if ((unsigned)op > APUS_OR || (unsigned)dtype > APUS_BOOL) return NULL;
  return table[op][dtype];
}
