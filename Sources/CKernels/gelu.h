// The Gaussian error linear unit of one number, and its slope.
#ifndef APUS_GELU_H
#define APUS_GELU_H

#include <math.h>

#include "kernel.h"
#include "vector_math.h"

APUS_INLINE float gelu_erf_f32(float x) { return apus_erff(x); }
APUS_INLINE double gelu_erf_f64(double x) { return erf(x); }
APUS_INLINE float gelu_exp_f32(float x) { return apus_expf(x); }
APUS_INLINE double gelu_exp_f64(double x) { return exp(x); }

#define APUS_SQRT_HALF 0.70710678118654752440
#define APUS_DENSITY_AT_0 0.39894228040143267794  // 1/√(2π)
#define APUS_GELU_SLOPE 0.79788456080286535588    // √(2/π)
#define APUS_GELU_CUBIC 0.044715

// Left of −30 the result is 0 to any precision; stopping there keeps −infinity from becoming
// −infinity·0. The same on the right for the gradient.
#define APUS_DEFINE_GELU(code, s, T)                                                          \
  APUS_INLINE T gelu_exact_##s(T x) {                                                         \
    const T c = x < -30 ? -30 : x;                                                            \
    return (T)0.5 * c * (1 + gelu_erf_##s(c * (T)APUS_SQRT_HALF));                            \
  }                                                                                           \
  APUS_INLINE T gelu_exact_grad_##s(T x) {                                                    \
    T c = x < -30 ? -30 : x;                                                                  \
    c = c > 30 ? 30 : c;                                                                      \
    const T density = (T)APUS_DENSITY_AT_0 * gelu_exp_##s((T)-0.5 * c * c);                   \
    return (T)0.5 * (1 + gelu_erf_##s(c * (T)APUS_SQRT_HALF)) + c * density;                  \
  }
APUS_FLOATS(APUS_DEFINE_GELU)

/// e^c for |c| <= 87, where one power of 2 is enough.
APUS_INLINE float gelu_exp_clamped_f32(float c) {
  int32_t n;
  const float y = apus_expm1_reduced(apus_reduce_exp(c, &n)) + 1.0f;
  return y * apus_power_of_2(n);
}
APUS_INLINE double gelu_exp_clamped_f64(double c) { return exp(c); }

// ½(1 + tanh u) = 1/(1 + e^(−2u)): one exponential, and no cancellation on the left. Where it is cut
// off, at e^±87, it is 0 or 1 to any precision.
#define APUS_DEFINE_GELU_TANH(code, s, T)                                                     \
  APUS_INLINE T gelu_power_##s(T x, T squared) {                                              \
    T z = (T)(-2 * APUS_GELU_SLOPE * APUS_GELU_CUBIC) * squared + (T)(-2 * APUS_GELU_SLOPE);  \
    z *= x;                                                                                   \
    z = z > 87 ? 87 : z;                                                                      \
    z = z < -87 ? -87 : z;                                                                    \
    return gelu_exp_clamped_##s(z);                                                           \
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
APUS_FLOATS(APUS_DEFINE_GELU_TANH)

#endif
