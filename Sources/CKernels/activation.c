// Activations whose value or gradient is one sweep over memory.
#include <math.h>

#include "elementwise.h"
#include "vector_math.h"

// A gradient from two arrays is a binary kernel with strides 1.
#define APUS_GRADIENT(code, s, T)                                  \
  APUS_BINARY(relu_grad_##s, T, T, u > 0 ? v : 0)                  \
  APUS_BINARY(tanh_grad_##s, T, T, v * (1 - u * u))                \
  APUS_BINARY(sigmoid_grad_##s, T, T, v * (u * (1 - u)))
APUS_FLOATS(APUS_GRADIENT)

void apus_relu_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) relu_grad_f32(y, 1, g, 1, dx, n);
  if (dtype == APUS_FLOAT64) relu_grad_f64(y, 1, g, 1, dx, n);
}

void apus_tanh_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) tanh_grad_f32(y, 1, g, 1, dx, n);
  if (dtype == APUS_FLOAT64) tanh_grad_f64(y, 1, g, 1, dx, n);
}

void apus_sigmoid_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) sigmoid_grad_f32(y, 1, g, 1, dx, n);
  if (dtype == APUS_FLOAT64) sigmoid_grad_f64(y, 1, g, 1, dx, n);
}

apus_binary_fn apus_gradient(apus_gradient_op op, int dtype) {
  static const apus_binary_fn table[APUS_SIGMOID_GRAD + 1][APUS_FLOAT64 + 1] = {
      [APUS_RELU_GRAD] = {relu_grad_f32, relu_grad_f64},
      [APUS_TANH_GRAD] = {tanh_grad_f32, tanh_grad_f64},
      [APUS_SIGMOID_GRAD] = {sigmoid_grad_f32, sigmoid_grad_f64},
  };
  if ((unsigned)op > APUS_SIGMOID_GRAD || (unsigned)dtype > APUS_FLOAT64) return NULL;
  return table[op][dtype];
}

// MARK: Gelu

APUS_INLINE float erf_f32(float x) { return apus_erff(x); }
APUS_INLINE double erf_f64(double x) { return erf(x); }
APUS_INLINE float exp_f32(float x) { return apus_expf(x); }
APUS_INLINE double exp_f64(double x) { return exp(x); }

#define APUS_SQRT_HALF 0.70710678118654752440
#define APUS_DENSITY_AT_0 0.39894228040143267794  // 1/√(2π)
#define APUS_GELU_SLOPE 0.79788456080286535588    // √(2/π)
#define APUS_GELU_CUBIC 0.044715

// Left of −30 the result is 0 to any precision; stopping there keeps −infinity from becoming
// −infinity·0. The same on the right for the gradient.
#define APUS_GELU(code, s, T)                                                                 \
  APUS_INLINE T gelu_exact_##s(T x) {                                                         \
    const T c = x < -30 ? -30 : x;                                                            \
    return (T)0.5 * c * (1 + erf_##s(c * (T)APUS_SQRT_HALF));                                 \
  }                                                                                           \
  APUS_INLINE T gelu_exact_grad_##s(T x) {                                                    \
    T c = x < -30 ? -30 : x;                                                                  \
    c = c > 30 ? 30 : c;                                                                      \
    const T density = (T)APUS_DENSITY_AT_0 * exp_##s((T)-0.5 * c * c);                        \
    return (T)0.5 * (1 + erf_##s(c * (T)APUS_SQRT_HALF)) + c * density;                       \
  }
APUS_FLOATS(APUS_GELU)

/// e^c for |c| <= 87, where one power of 2 is enough.
APUS_INLINE float exp_clamped_f32(float c) {
  int32_t n;
  const float y = apus_expm1_reduced(apus_reduce_exp(c, &n)) + 1.0f;
  return y * apus_power_of_2(n);
}
APUS_INLINE double exp_clamped_f64(double c) { return exp(c); }

// ½(1 + tanh u) = 1/(1 + e^(−2u)): one exponential, and no cancellation on the left. Where it is cut
// off, at e^±87, it is 0 or 1 to any precision.
#define APUS_GELU_TANH(code, s, T)                                                            \
  APUS_INLINE T gelu_power_##s(T x, T squared) {                                              \
    T z = (T)(-2 * APUS_GELU_SLOPE * APUS_GELU_CUBIC) * squared + (T)(-2 * APUS_GELU_SLOPE);  \
    z *= x;                                                                                   \
    z = z > 87 ? 87 : z;                                                                      \
    z = z < -87 ? -87 : z;                                                                    \
    return exp_clamped_##s(z);                                                                \
  }                                                                                           \
  APUS_INLINE T gelu_tanh_##s(T x) {                                                          \
    const T c = x < -30 ? -30 : x;                                                            \
    return c / (1 + gelu_power_##s(c, c * c));                                                \
  }                                                                                           \
  APUS_INLINE T gelu_tanh_grad_##s(T x) {                                                     \
    T c = x < -30 ? -30 : x;                                                                  \
    c = c > 30 ? 30 : c;                                                                      \
    const T squared = c * c, power = gelu_power_##s(c, squared), share = 1 / (1 + power);     \
    const T slope = (T)(6 * APUS_GELU_SLOPE * APUS_GELU_CUBIC) * squared                      \
                    + (T)(2 * APUS_GELU_SLOPE);                                               \
    return share + power * share * share * (c * slope);                                       \
  }
APUS_FLOATS(APUS_GELU_TANH)

APUS_UNARY_BLOCKS(gelu_f32, gelu_exact_f32(u), 0, 0)
APUS_UNARY_BLOCKS(gelu_approximate_f32, gelu_tanh_f32(u), 0, 0)
APUS_UNARY_CALL(gelu_f64, double, gelu_exact_f64(u))
APUS_UNARY_CALL(gelu_approximate_f64, double, gelu_tanh_f64(u))
APUS_BINARY_BLOCKS(gelu_grad_f32, v *gelu_exact_grad_f32(u))
APUS_BINARY_BLOCKS(gelu_approximate_grad_f32, v *gelu_tanh_grad_f32(u))
APUS_BINARY_CALL(gelu_grad_f64, double, v *gelu_exact_grad_f64(u))
APUS_BINARY_CALL(gelu_approximate_grad_f64, double, v *gelu_tanh_grad_f64(u))

void apus_gelu(int dtype, const void *x, void *y, int approximate, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) (approximate ? gelu_approximate_f32 : gelu_f32)(x, 1, y, n);
  if (dtype == APUS_FLOAT64) (approximate ? gelu_approximate_f64 : gelu_f64)(x, 1, y, n);
}

void apus_gelu_grad(int dtype, const void *x, const void *g, void *dx, int approximate,
                    ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) {
    (approximate ? gelu_approximate_grad_f32 : gelu_grad_f32)(x, 1, g, 1, dx, n);
  }
  if (dtype == APUS_FLOAT64) {
    (approximate ? gelu_approximate_grad_f64 : gelu_grad_f64)(x, 1, g, 1, dx, n);
  }
}
