// Elementwise functions of one argument.
#include <math.h>

#include "elementwise.h"
#include "gelu.h"
#include "vector_math.h"

// Arithmetic on floats: one expression serves both types.
#define APUS_FLOAT_UNARY(code, s, T)                                                    \
  APUS_UNARY(neg_##s, T, T, -u)                                                         \
  APUS_UNARY(abs_##s, T, T, __builtin_elementwise_abs(u))                               \
  APUS_UNARY(sign_##s, T, T, u != u ? u : (T)((u > 0) - (u < 0)))                       \
  APUS_UNARY(sqrt_##s, T, T, __builtin_elementwise_sqrt(u))                             \
  APUS_UNARY(rsqrt_##s, T, T, 1 / __builtin_elementwise_sqrt(u))                        \
  APUS_UNARY(square_##s, T, T, u * u)                                                   \
  APUS_UNARY(reciprocal_##s, T, T, 1 / u)                                               \
  APUS_UNARY(relu_##s, T, T, u < 0 ? 0 : u)                                             \
  APUS_UNARY(floor_##s, T, T, __builtin_elementwise_floor(u))                           \
  APUS_UNARY(ceil_##s, T, T, __builtin_elementwise_ceil(u))                             \
  APUS_UNARY(round_##s, T, T, __builtin_elementwise_rint(u))                            \
  APUS_UNARY(isnan_##s, T, uint8_t, u != u)                                             \
  APUS_UNARY(isfinite_##s, T, uint8_t, __builtin_elementwise_abs(u) < (T)INFINITY)
APUS_FLOATS(APUS_FLOAT_UNARY)

// Integers wrap: arithmetic in the unsigned type of at least 32 bits.
typedef uint32_t apus_unsigned_i32;
typedef uint64_t apus_unsigned_i64;
typedef uint32_t apus_unsigned_u8;
#define APUS_INTEGER_UNARY(code, s, T)                                                  \
  APUS_UNARY(neg_##s, T, T, 0 - (apus_unsigned_##s)u)                                   \
  APUS_UNARY(abs_##s, T, T, u < (T)1 ? 0 - (apus_unsigned_##s)u : (apus_unsigned_##s)u) \
  APUS_UNARY(sign_##s, T, T, (u > (T)0) - (u < (T)1) + (u == (T)0))                     \
  APUS_UNARY(square_##s, T, T, (apus_unsigned_##s)u * (apus_unsigned_##s)u)             \
  APUS_UNARY(relu_##s, T, T, u > (T)0 ? u : (T)0)
APUS_INTEGERS(APUS_INTEGER_UNARY)

#define APUS_NOT(code, s, T) APUS_UNARY(not_##s, T, uint8_t, u == (T)0)
APUS_ALL_TYPES(APUS_NOT)

APUS_UNARY_BLOCKS(exp_f32, apus_expf(u), 0, 0)
APUS_UNARY_BLOCKS(expm1_f32, apus_expm1f(u), 0, 0)
APUS_UNARY_BLOCKS(log_f32, apus_logf(u), 0, 0)
APUS_UNARY_BLOCKS(log1p_f32, apus_log1pf(u), 0, 0)
APUS_UNARY_BLOCKS(tanh_f32, apus_tanhf(u), 0, 0)
APUS_UNARY_BLOCKS(sigmoid_f32, apus_sigmoidf(u), 0, 0)
APUS_UNARY_BLOCKS(erf_f32, apus_erff(u), 0, 0)
APUS_UNARY_BLOCKS(softplus_f32, apus_softplusf(u), 0, 0)
APUS_UNARY_BLOCKS(gelu_f32, gelu_exact_f32(u), 0, 0)
APUS_UNARY_BLOCKS(gelu_approximate_f32, gelu_tanh_f32(u), 0, 0)
APUS_UNARY_BLOCKS(sin_f32, apus_sin_quarter(u, 0), !(apus_abs(u) < APUS_TRIGONOMETRIC_LIMIT),
                  sinf(u))
APUS_UNARY_BLOCKS(cos_f32, apus_sin_quarter(u, 1), !(apus_abs(u) < APUS_TRIGONOMETRIC_LIMIT),
                  cosf(u))

static double sigmoid(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

APUS_UNARY_CALL(exp_f64, double, exp(u))
APUS_UNARY_CALL(expm1_f64, double, expm1(u))
APUS_UNARY_CALL(log_f64, double, log(u))
APUS_UNARY_CALL(log1p_f64, double, log1p(u))
APUS_UNARY_CALL(tanh_f64, double, tanh(u))
APUS_UNARY_CALL(sigmoid_f64, double, sigmoid(u))
APUS_UNARY_CALL(erf_f64, double, erf(u))
APUS_UNARY_CALL(softplus_f64, double, (u > 0 ? u : 0) + log1p(exp(-fabs(u))))
APUS_UNARY_CALL(gelu_f64, double, gelu_exact_f64(u))
APUS_UNARY_CALL(gelu_approximate_f64, double, gelu_tanh_f64(u))
APUS_UNARY_CALL(sin_f64, double, sin(u))
APUS_UNARY_CALL(cos_f64, double, cos(u))

#define APUS_OF_FLOATS(name) {[APUS_FLOAT32] = name##_f32, [APUS_FLOAT64] = name##_f64}
#define APUS_OF_NUMBERS(name)                                                 \
  {                                                                           \
    [APUS_FLOAT32] = name##_f32, [APUS_FLOAT64] = name##_f64,                 \
    [APUS_INT32] = name##_i32, [APUS_INT64] = name##_i64, [APUS_UINT8] = name##_u8, \
  }

static const apus_unary_fn table[APUS_GELU_TANH + 1][APUS_BOOL + 1] = {
    [APUS_NEG] = APUS_OF_NUMBERS(neg),
    [APUS_ABS] = APUS_OF_NUMBERS(abs),
    [APUS_SIGN] = APUS_OF_NUMBERS(sign),
    [APUS_EXP] = APUS_OF_FLOATS(exp),
    [APUS_EXPM1] = APUS_OF_FLOATS(expm1),
    [APUS_LOG] = APUS_OF_FLOATS(log),
    [APUS_LOG1P] = APUS_OF_FLOATS(log1p),
    [APUS_SQRT] = APUS_OF_FLOATS(sqrt),
    [APUS_RSQRT] = APUS_OF_FLOATS(rsqrt),
    [APUS_SQUARE] = APUS_OF_NUMBERS(square),
    [APUS_RECIPROCAL] = APUS_OF_FLOATS(reciprocal),
    [APUS_TANH] = APUS_OF_FLOATS(tanh),
    [APUS_SIGMOID] = APUS_OF_FLOATS(sigmoid),
    [APUS_RELU] = APUS_OF_NUMBERS(relu),
    [APUS_ERF] = APUS_OF_FLOATS(erf),
    [APUS_SIN] = APUS_OF_FLOATS(sin),
    [APUS_COS] = APUS_OF_FLOATS(cos),
    [APUS_FLOOR] = APUS_OF_FLOATS(floor),
    [APUS_CEIL] = APUS_OF_FLOATS(ceil),
    [APUS_ROUND] = APUS_OF_FLOATS(round),
    [APUS_LOGICAL_NOT] =
        {
            [APUS_FLOAT32] = not_f32, [APUS_FLOAT64] = not_f64, [APUS_INT32] = not_i32,
            [APUS_INT64] = not_i64, [APUS_UINT8] = not_u8, [APUS_BOOL] = not_b8,
        },
    [APUS_ISNAN] = APUS_OF_FLOATS(isnan),
    [APUS_ISFINITE] = APUS_OF_FLOATS(isfinite),
    [APUS_SOFTPLUS] = APUS_OF_FLOATS(softplus),
    [APUS_GELU] = APUS_OF_FLOATS(gelu),
    [APUS_GELU_TANH] = APUS_OF_FLOATS(gelu_approximate),
};

apus_unary_fn apus_unary(apus_unary_op op, int dtype) {
  if ((unsigned)op > APUS_GELU_TANH || (unsigned)dtype > APUS_BOOL) return NULL;
  return table[op][dtype];
}
