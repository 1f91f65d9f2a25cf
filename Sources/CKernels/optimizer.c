// Optimizer updates: every array is read and written once.
#include <math.h>

#include "kernel.h"

// Parameters are updated in stretches of 1 KiB, and the lines of a later stretch are asked for, to be written. In the
// forward and backward pass other cores have read parameters: a line that is read and then written would be asked for
// twice, the second time from those cores.
enum { stretch_bytes = 1024, stretch_ahead = 2048 };

APUS_INLINE ptrdiff_t stretch_end(const void *p, ptrdiff_t size, ptrdiff_t start, ptrdiff_t n) {
  const ptrdiff_t first = start * size + stretch_ahead;
  const ptrdiff_t last = apus_min(first + stretch_bytes, n * size);
  for (ptrdiff_t at = first; at < last; at += 64) __builtin_prefetch((const char *)p + at, 1);
  return apus_min(start + stretch_bytes / size, n);
}

// A loop over elements i < n of the parameters p and what belongs to them.
#define APUS_SWEEP                                                                              \
  for (ptrdiff_t start = 0, end;                                                                \
       start < n && (end = stretch_end(p, sizeof *p, start, n)); start = end)                   \
    APUS_VECTORIZE                                                                              \
    for (ptrdiff_t i = start; i < end; i++)

// Rates are combined in 64 bits and rounded once to the type of the parameters.
#define APUS_OPTIMIZERS(code, s, T)                                                             \
  APUS_CLONES(void, sgd_##s, (T *p, const T *g, T lr, ptrdiff_t n), (p, g, lr, n)) {            \
    APUS_SWEEP p[i] -= lr * g[i];                                                               \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, momentum_##s, (T *p, const T *g, T *v, T lr, T momentum, ptrdiff_t n),      \
              (p, g, v, lr, momentum, n)) {                                                     \
    APUS_SWEEP {                                                                                \
      const T u = momentum * v[i] - lr * g[i];                                                  \
      v[i] = u;                                                                                 \
      p[i] += u;                                                                                \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, nesterov_##s, (T *p, const T *g, T *v, T lr, T momentum, ptrdiff_t n),      \
              (p, g, v, lr, momentum, n)) {                                                     \
    APUS_SWEEP {                                                                                \
      const T step = lr * g[i], u = momentum * v[i] - step;                                     \
      v[i] = u;                                                                                 \
      p[i] += momentum * u - step;                                                              \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, adam_##s, (T *p, const T *g, T *m, T *v, T rate, T beta1_rest,              \
              T beta2_rest, T eps, ptrdiff_t n),                                                \
              (p, g, m, v, rate, beta1_rest, beta2_rest, eps, n)) {                             \
    APUS_SWEEP {                                                                                \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                           \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * beta2_rest;                                    \
      m[i] = m1;                                                                                \
      v[i] = v1;                                                                                \
      p[i] -= rate * m1 / (__builtin_elementwise_sqrt(v1) + eps);                               \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, amsgrad_##s, (T *p, const T *g, T *m, T *v, T *vmax, T rate, T beta1_rest,  \
              T beta2_rest, T eps, ptrdiff_t n),                                                \
              (p, g, m, v, vmax, rate, beta1_rest, beta2_rest, eps, n)) {                       \
    APUS_SWEEP {                                                                                \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                           \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * beta2_rest;                                    \
      const T top = ((v1 >= vmax[i]) | (v1 != v1)) ? v1 : vmax[i];                              \
      m[i] = m1;                                                                                \
      v[i] = v1;                                                                                \
      vmax[i] = top;                                                                            \
      p[i] -= rate * m1 / (__builtin_elementwise_sqrt(top) + eps);                              \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  static void adam_any_##s(void *p, const void *g, void *m, void *v, void *vmax, double lr,     \
                           double beta1, double beta2, double eps, double bias1,                \
                           double bias2, ptrdiff_t n) {                                         \
    const T rate = (T)(lr * __builtin_elementwise_sqrt(bias2) / bias1);                         \
    const T rest1 = (T)(1 - beta1), rest2 = (T)(1 - beta2);                                     \
    if (vmax) {                                                                                 \
      amsgrad_##s(p, g, m, v, vmax, rate, rest1, rest2, (T)eps, n);                             \
    } else {                                                                                    \
      adam_##s(p, g, m, v, rate, rest1, rest2, (T)eps, n);                                      \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, nadam_##s, (T *p, const T *g, T *m, T *v, T rate_m, T rate_g, T beta1_rest, \
              T beta2_rest, T root, T eps, ptrdiff_t n),                                        \
              (p, g, m, v, rate_m, rate_g, beta1_rest, beta2_rest, root, eps, n)) {             \
    APUS_SWEEP {                                                                                \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                           \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * beta2_rest;                                    \
      m[i] = m1;                                                                                \
      v[i] = v1;                                                                                \
      p[i] -= (rate_m * m1 + rate_g * g[i]) / (__builtin_elementwise_sqrt(v1) * root + eps);    \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, adamax_##s, (T *p, const T *g, T *m, T *u, T rate, T beta1_rest, T beta2,   \
              T eps, ptrdiff_t n), (p, g, m, u, rate, beta1_rest, beta2, eps, n)) {             \
    APUS_SWEEP {                                                                                \
      const T m1 = m[i] + (g[i] - m[i]) * beta1_rest;                                           \
      const T old = beta2 * u[i], now = __builtin_elementwise_abs(g[i]);                        \
      const T u1 = ((now >= old) | (now != now)) ? now : old;                                   \
      m[i] = m1;                                                                                \
      u[i] = u1;                                                                                \
      p[i] -= rate * m1 / (u1 + eps);                                                           \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, rmsprop_##s, (T *p, const T *g, T *v, T lr, T rho, T rest, T eps,           \
              ptrdiff_t n), (p, g, v, lr, rho, rest, eps, n)) {                                 \
    APUS_SWEEP {                                                                                \
      const T v1 = rho * v[i] + rest * (g[i] * g[i]);                                           \
      v[i] = v1;                                                                                \
      p[i] -= lr * g[i] / __builtin_elementwise_sqrt(v1 + eps);                                 \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, rmsprop_momentum_##s, (T *p, const T *g, T *v, T *m, T lr, T rho, T rest,   \
              T momentum, T eps, ptrdiff_t n), (p, g, v, m, lr, rho, rest, momentum, eps, n)) { \
    APUS_SWEEP {                                                                                \
      const T v1 = rho * v[i] + rest * (g[i] * g[i]);                                           \
      const T m1 = momentum * m[i] + lr * g[i] / __builtin_elementwise_sqrt(v1 + eps);          \
      v[i] = v1;                                                                                \
      m[i] = m1;                                                                                \
      p[i] -= m1;                                                                               \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, rmsprop_centered_##s, (T *p, const T *g, T *v, T *a, T lr, T rho, T rest,   \
              T eps, ptrdiff_t n), (p, g, v, a, lr, rho, rest, eps, n)) {                       \
    APUS_SWEEP {                                                                                \
      const T v1 = rho * v[i] + rest * (g[i] * g[i]), a1 = rho * a[i] + rest * g[i];            \
      v[i] = v1;                                                                                \
      a[i] = a1;                                                                                \
      p[i] -= lr * g[i] / __builtin_elementwise_sqrt(v1 - a1 * a1 + eps);                       \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, rmsprop_both_##s, (T *p, const T *g, T *v, T *m, T *a, T lr, T rho, T rest, \
              T momentum, T eps, ptrdiff_t n),                                                  \
              (p, g, v, m, a, lr, rho, rest, momentum, eps, n)) {                               \
    APUS_SWEEP {                                                                                \
      const T v1 = rho * v[i] + rest * (g[i] * g[i]), a1 = rho * a[i] + rest * g[i];            \
      const T m1 =                                                                              \
          momentum * m[i] + lr * g[i] / __builtin_elementwise_sqrt(v1 - a1 * a1 + eps);         \
      v[i] = v1;                                                                                \
      a[i] = a1;                                                                                \
      m[i] = m1;                                                                                \
      p[i] -= m1;                                                                               \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, adagrad_##s, (T *p, const T *g, T *sum, T lr, T eps, ptrdiff_t n),          \
              (p, g, sum, lr, eps, n)) {                                                        \
    APUS_SWEEP {                                                                                \
      const T sum1 = sum[i] + g[i] * g[i];                                                      \
      sum[i] = sum1;                                                                            \
      p[i] -= lr * g[i] / __builtin_elementwise_sqrt(sum1 + eps);                               \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, adadelta_##s, (T *p, const T *g, T *v, T *d, T lr, T rho, T rest, T eps,    \
              ptrdiff_t n), (p, g, v, d, lr, rho, rest, eps, n)) {                              \
    APUS_SWEEP {                                                                                \
      const T v1 = rho * v[i] + rest * (g[i] * g[i]);                                           \
      const T step = __builtin_elementwise_sqrt(d[i] + eps) * g[i] /                            \
                     __builtin_elementwise_sqrt(v1 + eps);                                      \
      v[i] = v1;                                                                                \
      d[i] = rho * d[i] + rest * (step * step);                                                 \
      p[i] -= lr * step;                                                                        \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, lion_##s, (T *p, const T *g, T *m, T lr, T beta1, T rest1, T beta2,         \
              T rest2, ptrdiff_t n), (p, g, m, lr, beta1, rest1, beta2, rest2, n)) {            \
    APUS_SWEEP {                                                                                \
      const T along = beta1 * m[i] + rest1 * g[i];                                              \
      const T sign = along > 0 ? (T)1 : along < 0 ? (T)-1 : along;                              \
      p[i] -= lr * sign;                                                                        \
      m[i] = beta2 * m[i] + rest2 * g[i];                                                       \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_INLINE void ftrl_step_##s(T *p, T g, T *sum, T *linear, T sum1, T power, T power1,       \
                                 T lr, T l1, T twice_l2, T twice_shrinkage) {                   \
    const T used = g + twice_shrinkage * *p;                                                    \
    const T l = *linear + (used - (power1 - power) / lr * *p);                                  \
    const T quadratic = power1 / lr + twice_l2;                                                 \
    const T clipped = l < -l1 ? -l1 : l > l1 ? l1 : l;                                          \
    *linear = l;                                                                                \
    *sum = sum1;                                                                                \
    *p = (clipped - l) / quadratic;                                                             \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, ftrl_##s, (T *p, const T *g, T *sum, T *linear, T lr, T l1, T twice_l2,     \
              T twice_shrinkage, ptrdiff_t n),                                                  \
              (p, g, sum, linear, lr, l1, twice_l2, twice_shrinkage, n)) {                      \
    APUS_SWEEP {                                                                                \
      const T sum1 = sum[i] + g[i] * g[i];                                                      \
      ftrl_step_##s(p + i, g[i], sum + i, linear + i, sum1, __builtin_elementwise_sqrt(sum[i]), \
                    __builtin_elementwise_sqrt(sum1), lr, l1, twice_l2, twice_shrinkage);       \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  static void ftrl_power_##s(T *p, const T *g, T *sum, T *linear, T lr, double power, T l1,     \
                             T twice_l2, T twice_shrinkage, ptrdiff_t n) {                      \
    APUS_SCALAR                                                                                 \
    for (ptrdiff_t i = 0; i < n; i++) {                                                         \
      const T sum1 = sum[i] + g[i] * g[i];                                                      \
      ftrl_step_##s(p + i, g[i], sum + i, linear + i, sum1, (T)pow(sum[i], power),              \
                    (T)pow(sum1, power), lr, l1, twice_l2, twice_shrinkage);                    \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, schedule_free_##s, (T *p, const T *g, T *z, T *v, T lr, T beta1, T rest1,   \
              T rest2, T root, T weight, T eps, ptrdiff_t n),                                   \
              (p, g, z, v, lr, beta1, rest1, rest2, root, weight, eps, n)) {                    \
    APUS_SWEEP {                                                                                \
      const T v1 = v[i] + (g[i] * g[i] - v[i]) * rest2;                                         \
      const T z1 = z[i] - lr * g[i] / (__builtin_elementwise_sqrt(v1) * root + eps);            \
      const T x = (p[i] - rest1 * z[i]) / beta1, x1 = x + weight * (z1 - x);                    \
      v[i] = v1;                                                                                \
      z[i] = z1;                                                                                \
      p[i] = rest1 * z1 + beta1 * x1;                                                           \
    }                                                                                           \
  }                                                                                             \
                                                                                                \
  APUS_CLONES(void, average_##s, (T *a, const T *p, T momentum, T rest, ptrdiff_t n),           \
              (a, p, momentum, rest, n)) {                                                      \
    APUS_VECTORIZE                                                                              \
    for (ptrdiff_t i = 0; i < n; i++) a[i] = momentum * a[i] + rest * p[i];                     \
  }
APUS_FLOATS(APUS_OPTIMIZERS)

// Calls `name_f32` or `name_f64` by `dtype`: the numbers after the pointers are rounded to the type.
#define APUS_UPDATE(dtype, name, ...)                     \
  switch (dtype) {                                        \
    case APUS_FLOAT32: name##_f32(__VA_ARGS__); return;   \
    case APUS_FLOAT64: name##_f64(__VA_ARGS__); return;   \
    default: return;                                      \
  }

void apus_sgd(int dtype, void *p, const void *g, double lr, ptrdiff_t n) {
  APUS_UPDATE(dtype, sgd, p, g, lr, n)
}

void apus_momentum(int dtype, void *p, const void *g, void *v, double lr, double momentum,
                   int nesterov, ptrdiff_t n) {
  if (nesterov) APUS_UPDATE(dtype, nesterov, p, g, v, lr, momentum, n)
  APUS_UPDATE(dtype, momentum, p, g, v, lr, momentum, n)
}

void apus_adam(int dtype, void *p, const void *g, void *m, void *v, void *vmax, double lr,
               double beta1, double beta2, double eps, double bias1, double bias2,
               ptrdiff_t n) {
  APUS_UPDATE(dtype, adam_any, p, g, m, v, vmax, lr, beta1, beta2, eps, bias1, bias2, n)
}

void apus_nadam(int dtype, void *p, const void *g, void *m, void *v, double rate_m,
                double rate_g, double beta1, double beta2, double eps, double bias2,
                ptrdiff_t n) {
  const double root = 1 / __builtin_elementwise_sqrt(bias2);
  APUS_UPDATE(dtype, nadam, p, g, m, v, rate_m, rate_g, 1 - beta1, 1 - beta2, root, eps, n)
}

void apus_adamax(int dtype, void *p, const void *g, void *m, void *u, double rate, double beta1,
                 double beta2, double eps, ptrdiff_t n) {
  APUS_UPDATE(dtype, adamax, p, g, m, u, rate, 1 - beta1, beta2, eps, n)
}

void apus_rmsprop(int dtype, void *p, const void *g, void *v, void *m, void *a, double lr,
                  double rho, double momentum, double eps, ptrdiff_t n) {
  const double rest = 1 - rho;
  if (m && a) APUS_UPDATE(dtype, rmsprop_both, p, g, v, m, a, lr, rho, rest, momentum, eps, n)
  if (m) APUS_UPDATE(dtype, rmsprop_momentum, p, g, v, m, lr, rho, rest, momentum, eps, n)
  if (a) APUS_UPDATE(dtype, rmsprop_centered, p, g, v, a, lr, rho, rest, eps, n)
  APUS_UPDATE(dtype, rmsprop, p, g, v, lr, rho, rest, eps, n)
}

void apus_adagrad(int dtype, void *p, const void *g, void *sum, double lr, double eps,
                  ptrdiff_t n) {
  APUS_UPDATE(dtype, adagrad, p, g, sum, lr, eps, n)
}

void apus_adadelta(int dtype, void *p, const void *g, void *v, void *d, double lr, double rho,
                   double eps, ptrdiff_t n) {
  APUS_UPDATE(dtype, adadelta, p, g, v, d, lr, rho, 1 - rho, eps, n)
}

void apus_lion(int dtype, void *p, const void *g, void *m, double lr, double beta1,
               double beta2, ptrdiff_t n) {
  APUS_UPDATE(dtype, lion, p, g, m, lr, beta1, 1 - beta1, beta2, 1 - beta2, n)
}

void apus_ftrl(int dtype, void *p, const void *g, void *sum, void *linear, double lr,
               double power, double l1, double l2, double shrinkage, ptrdiff_t n) {
  if (power == 0.5) APUS_UPDATE(dtype, ftrl, p, g, sum, linear, lr, l1, 2 * l2, 2 * shrinkage, n)
  APUS_UPDATE(dtype, ftrl_power, p, g, sum, linear, lr, power, l1, 2 * l2, 2 * shrinkage, n)
}

void apus_schedule_free(int dtype, void *p, const void *g, void *z, void *v, double lr,
                        double beta1, double beta2, double eps, double bias2, double weight,
                        ptrdiff_t n) {
  const double root = 1 / __builtin_elementwise_sqrt(bias2);
  APUS_UPDATE(dtype, schedule_free, p, g, z, v, lr, beta1, 1 - beta1, 1 - beta2, root, weight,
              eps, n)
}

void apus_average(int dtype, void *a, const void *p, double momentum, ptrdiff_t n) {
  APUS_UPDATE(dtype, average, a, p, momentum, 1 - momentum, n)
}
