// One sweep of an optimizer over n parameters.
#include "driver.h"

enum { arrays = 5 };

// Parameters, gradient and up to three states: as numbers of the type, and what a plain loop makes of them.
typedef struct {
  void *x[arrays];
  double *w[arrays];
} state;

static state state_of(int dtype, ptrdiff_t n) {
  state s;
  for (int k = 0; k < arrays; k++) {
    // States are squares or moments: positive, which is as good.
    s.x[k] = drawn(dtype, n, k < 2 ? -1 : 0.01, 1);
    s.w[k] = room(n, sizeof(double));
    for (ptrdiff_t i = 0; i < n; i++) s.w[k][i] = get(dtype, s.x[k], i);
  }
  return s;
}

// Calls the kernel with its arrays, does the plain loop on one element after another, compares all arrays.
#define SWEEP(name, call, ...)                                                                                      \
  static void name(void) {                                                                                          \
    EACH_FLOAT(dtype) EACH_SIZE(size) {                                                                             \
      const ptrdiff_t n = (ptrdiff_t)size;                                                                          \
      const state s = state_of(dtype, n);                                                                           \
      void *const p = s.x[0], *const g = s.x[1], *const a = s.x[2], *const b = s.x[3], *const c = s.x[4];           \
      (void)g, (void)a, (void)b, (void)c;                                                                                  \
      call;                                                                                                         \
      for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
        double P = s.w[0][i], G = s.w[1][i], A = s.w[2][i], B = s.w[3][i], C = s.w[4][i];                           \
        __VA_ARGS__;                                                                                                \
        s.w[0][i] = P, s.w[2][i] = A, s.w[3][i] = B, s.w[4][i] = C;                                                 \
        (void)G;                                                                                                    \
      }                                                                                                             \
      for (int k = 0; k < arrays; k++) {                                                                            \
        expect_close(dtype, s.x[k], s.w[k], n, 10 * NEAR(dtype), 10 * NEAR(dtype), #name ", type %d, %td, array %d", dtype, n, k); \
      }                                                                                                             \
    }                                                                                                               \
  }

// A tenth of a state.
static void make_small(int dtype, void *x, double *wanted, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    put(dtype, x, i, wanted[i] / 10);
    wanted[i] = get(dtype, x, i);
  }
}

#define MOMENTS A += (G - A) * (1 - 0.9), B += (G * G - B) * (1 - 0.99)

SWEEP(sgd, apus_sgd(dtype, p, g, 0.1, n), P -= 0.1 * G)
SWEEP(momentum, apus_momentum(dtype, p, g, a, 0.1, 0.9, 0, n), A = 0.9 * A - 0.1 * G, P += A)
SWEEP(nesterov, apus_momentum(dtype, p, g, a, 0.1, 0.9, 1, n), A = 0.9 * A - 0.1 * G, P += 0.9 * A - 0.1 * G)
SWEEP(adam, apus_adam(dtype, p, g, a, b, NULL, 0.1, 0.9, 0.99, 1e-3, 0.2, 0.03, n), MOMENTS,
      P -= 0.1 * sqrt(0.03) / 0.2 * A / (sqrt(B) + 1e-3))
SWEEP(amsgrad, apus_adam(dtype, p, g, a, b, c, 0.1, 0.9, 0.99, 1e-3, 0.2, 0.03, n), MOMENTS, C = fmax(C, B),
      P -= 0.1 * sqrt(0.03) / 0.2 * A / (sqrt(C) + 1e-3))
SWEEP(nadam, apus_nadam(dtype, p, g, a, b, 0.1, 0.05, 0.9, 0.99, 1e-3, 0.03, n), MOMENTS,
      P -= (0.1 * A + 0.05 * G) / (sqrt(B / 0.03) + 1e-3))
SWEEP(adamax, apus_adamax(dtype, p, g, a, b, 0.1, 0.9, 0.99, 1e-3, n), A += (G - A) * (1 - 0.9), B = fmax(0.99 * B, fabs(G)),
      P -= 0.1 * A / (B + 1e-3))
SWEEP(rmsprop, apus_rmsprop(dtype, p, g, a, NULL, NULL, 0.1, 0.9, 0.5, 1e-3, n), A = 0.9 * A + (1 - 0.9) * G * G,
      P -= 0.1 * G / sqrt(A + 1e-3))
SWEEP(rmsprop_momentum, apus_rmsprop(dtype, p, g, a, b, NULL, 0.1, 0.9, 0.5, 1e-3, n), A = 0.9 * A + (1 - 0.9) * G * G,
      B = 0.5 * B + 0.1 * G / sqrt(A + 1e-3), P -= B)
// Its mean starts small, so that the difference under the root stays positive.
SWEEP(rmsprop_centered, (make_small(dtype, c, s.w[4], n), apus_rmsprop(dtype, p, g, a, NULL, c, 0.1, 0.9, 0.5, 1e-1, n)),
      A = 0.9 * A + (1 - 0.9) * G * G, C = 0.9 * C + (1 - 0.9) * G, P -= 0.1 * G / sqrt(A - C * C + 1e-1))
SWEEP(rmsprop_both, (make_small(dtype, c, s.w[4], n), apus_rmsprop(dtype, p, g, a, b, c, 0.1, 0.9, 0.5, 1e-1, n)),
      A = 0.9 * A + (1 - 0.9) * G * G, C = 0.9 * C + (1 - 0.9) * G, B = 0.5 * B + 0.1 * G / sqrt(A - C * C + 1e-1), P -= B)
SWEEP(adagrad, apus_adagrad(dtype, p, g, a, 0.1, 1e-3, n), A += G * G, P -= 0.1 * G / sqrt(A + 1e-3))
SWEEP(adadelta, apus_adadelta(dtype, p, g, a, b, 0.1, 0.9, 1e-3, n), A = 0.9 * A + (1 - 0.9) * G * G;
      const double step = sqrt(B + 1e-3) * G / sqrt(A + 1e-3); B = 0.9 * B + (1 - 0.9) * step * step, P -= 0.1 * step)
SWEEP(lion, apus_lion(dtype, p, g, a, 0.1, 0.9, 0.99, n); (void)0, const double along = 0.9 * A + (1 - 0.9) * G;
      P -= 0.1 * ((along > 0) - (along < 0)), A = 0.99 * A + (1 - 0.99) * G)
#define FTRL(power)                                                                                               \
  const double sum = A + G * G, before = pow(A, power), now = pow(sum, power);                                    \
  B += G + 2 * 0.02 * P - (now - before) / 0.1 * P, A = sum;                                                      \
  P = (fmax(-0.3, fmin(0.3, B)) - B) / (now / 0.1 + 2 * 0.2)
SWEEP(ftrl, apus_ftrl(dtype, p, g, a, b, 0.1, 0.5, 0.3, 0.2, 0.02, n), FTRL(0.5))
SWEEP(ftrl_power, apus_ftrl(dtype, p, g, a, b, 0.1, 0.7, 0.3, 0.2, 0.02, n), FTRL(0.7))
SWEEP(schedule_free, apus_schedule_free(dtype, p, g, a, b, 0.1, 0.9, 0.99, 1e-3, 0.3, 0.25, n), B += (G * G - B) * (1 - 0.99);
      double x = (P - (1 - 0.9) * A) / 0.9; A -= 0.1 * G / (sqrt(B / 0.3) + 1e-3); x += 0.25 * (A - x); P = (1 - 0.9) * A + 0.9 * x)
SWEEP(average, apus_average(dtype, a, p, 0.9, n), A = 0.9 * A + (1 - 0.9) * P)

const row optimizer_rows[] = {
    {"apus_sgd", sgd},
    {"apus_momentum", momentum},
    {"apus_momentum", nesterov},
    {"apus_adam", adam},
    {"apus_adam", amsgrad},
    {"apus_nadam", nadam},
    {"apus_adamax", adamax},
    {"apus_rmsprop", rmsprop},
    {"apus_rmsprop", rmsprop_momentum},
    {"apus_rmsprop", rmsprop_centered},
    {"apus_rmsprop", rmsprop_both},
    {"apus_adagrad", adagrad},
    {"apus_adadelta", adadelta},
    {"apus_lion", lion},
    {"apus_ftrl", ftrl},
    {"apus_ftrl", ftrl_power},
    {"apus_schedule_free", schedule_free},
    {"apus_average", average},
    {0},
};
