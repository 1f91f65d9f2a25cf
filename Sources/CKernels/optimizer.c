// Optimizer updates: every array is read and written once.
#include "kernel.h"

// Rates are combined in 64 bits and rounded once to the type of the parameters.
#define APUS_OPTIMIZERS(code, s, T)                                                           \
  APUS_CLONES static void sgd_##s(T *p, const T *g, T lr, ptrdiff_t n) {                      \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) p[i] -= lr * g[i];                                      \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void momentum_##s(T *p, const T *g, T *v, T lr, T momentum,              \
                                       ptrdiff_t n) {                                         \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T u = momentum * v[i] - lr * g[i];                                                \
      v[i] = u;                                                                               \
      p[i] += u;                                                                              \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void nesterov_##s(T *p, const T *g, T *v, T lr, T momentum,              \
                                       ptrdiff_t n) {                                         \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T step = lr * g[i], u = momentum * v[i] - step;                                   \
      v[i] = u;                                                                               \
      p[i] += momentum * u - step;                                                            \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void adam_##s(T *p, const T *g, T *m, T *v, T rate, T beta1_rest,        \
                                   T beta2_rest, T eps, T keep, ptrdiff_t n) {                \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                         \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * beta2_rest;                                  \
      m[i] = m1;                                                                              \
      v[i] = v1;                                                                              \
      p[i] = p[i] * keep - rate * m1 / (__builtin_elementwise_sqrt(v1) + eps);                \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES static void amsgrad_##s(T *p, const T *g, T *m, T *v, T *vmax, T rate,          \
                                      T beta1_rest, T beta2_rest, T eps, T keep,              \
                                      ptrdiff_t n) {                                          \
    APUS_VECTORIZE                                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                         \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * beta2_rest;                                  \
      const T top = ((v1 >= vmax[i]) | (v1 != v1)) ? v1 : vmax[i];                            \
      m[i] = m1;                                                                              \
      v[i] = v1;                                                                              \
      vmax[i] = top;                                                                          \
      p[i] = p[i] * keep - rate * m1 / (__builtin_elementwise_sqrt(top) + eps);               \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  static void adam_any_##s(void *p, const void *g, void *m, void *v, void *vmax, double lr,   \
                           double beta1, double beta2, double eps, double bias1,              \
                           double bias2, double weight_decay, ptrdiff_t n) {                  \
    const T rate = (T)(lr * __builtin_elementwise_sqrt(bias2) / bias1);                       \
    const T rest1 = (T)(1 - beta1), rest2 = (T)(1 - beta2), keep = (T)(1 - weight_decay * lr); \
    if (vmax) {                                                                               \
      amsgrad_##s(p, g, m, v, vmax, rate, rest1, rest2, (T)eps, keep, n);                     \
    } else {                                                                                  \
      adam_##s(p, g, m, v, rate, rest1, rest2, (T)eps, keep, n);                              \
    }                                                                                         \
  }
APUS_FLOATS(APUS_OPTIMIZERS)

void apus_sgd(int dtype, void *p, const void *g, double lr, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) sgd_f32(p, g, (float)lr, n);
  if (dtype == APUS_FLOAT64) sgd_f64(p, g, lr, n);
}

void apus_momentum(int dtype, void *p, const void *g, void *v, double lr, double momentum,
                   int nesterov, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) {
    (nesterov ? nesterov_f32 : momentum_f32)(p, g, v, (float)lr, (float)momentum, n);
  }
  if (dtype == APUS_FLOAT64) (nesterov ? nesterov_f64 : momentum_f64)(p, g, v, lr, momentum, n);
}

void apus_adam(int dtype, void *p, const void *g, void *m, void *v, void *vmax, double lr,
               double beta1, double beta2, double eps, double bias1, double bias2,
               double weight_decay, ptrdiff_t n) {
  switch (dtype) {
#define APUS_CASE(code, s, T)                                                                \
  case code:                                                                                 \
    adam_any_##s(p, g, m, v, vmax, lr, beta1, beta2, eps, bias1, bias2, weight_decay, n);    \
    return;
    APUS_FLOATS(APUS_CASE)
    default: return;
  }
}
