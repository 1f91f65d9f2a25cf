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

// MARK: Gelu

APUS_INLINE float erf_f32(float x) { return apus_erff(x); }
APUS_INLINE double erf_f64(double x) { return erf(x); }
APUS_INLINE float exp_f32(float x) { return apus_expf(x); }
APUS_INLINE double exp_f64(double x) { return exp(x); }
APUS_INLINE float tanh_f32(float x) { return apus_tanhf(x); }
APUS_INLINE double tanh_f64(double x) { return tanh(x); }

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
  APUS_INLINE T gelu_tanh_##s(T x) {                                                          \
    const T c = x < -30 ? -30 : x;                                                            \
    const T inner = (T)APUS_GELU_SLOPE * (c + (T)APUS_GELU_CUBIC * c * c * c);                \
    return (T)0.5 * c * (1 + tanh_##s(inner));                                                \
  }                                                                                           \
  APUS_INLINE T gelu_exact_grad_##s(T x) {                                                    \
    T c = x < -30 ? -30 : x;                                                                  \
    c = c > 30 ? 30 : c;                                                                      \
    const T density = (T)APUS_DENSITY_AT_0 * exp_##s((T)-0.5 * c * c);                        \
    return (T)0.5 * (1 + erf_##s(c * (T)APUS_SQRT_HALF)) + c * density;                       \
  }                                                                                           \
  APUS_INLINE T gelu_tanh_grad_##s(T x) {                                                     \
    T c = x < -30 ? -30 : x;                                                                  \
    c = c > 30 ? 30 : c;                                                                      \
    const T cubic = (T)APUS_GELU_CUBIC * c * c;                                               \
    const T t = tanh_##s((T)APUS_GELU_SLOPE * c * (1 + cubic));                               \
    const T inner = (T)APUS_GELU_SLOPE * (1 + 3 * cubic);                                     \
    return (T)0.5 * (1 + t) + (T)0.5 * c * (1 - t * t) * inner;                               \
  }
APUS_FLOATS(APUS_GELU)

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
