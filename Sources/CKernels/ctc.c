// Connectionist temporal classification: sums over all alignments, in logarithms of float64.
#include <math.h>

#include "kernel.h"

// States of one sequence of `length` labels: 2n stands before label n (a blank has been said, or nothing yet), 2n + 1 on label n.
// A step says the symbol of the state it leads to.

// What Keras gives a step that is not allowed, in the place of minus infinity.
#define APUS_FORBIDDEN (-1e5)

static double log_add(double a, double b) {
  const double high = a > b ? a : b, low = a > b ? b : a;
  // NaN is neither larger nor smaller, and stays.
  if (a != a || b != b) return a + b;
  if (high == -INFINITY) return high;
  return high + log1p(exp(low - high));
}

// Where no alignment is long enough, a forbidden step costs something finite.
static double forbidden(const int32_t *labels, ptrdiff_t length, ptrdiff_t steps) {
  ptrdiff_t needed = length;
  for (ptrdiff_t n = 1; n < length; n++) needed += labels[n] == labels[n - 1];
  return needed > steps ? APUS_FORBIDDEN : -INFINITY;
}

// One label after another without a blank between them.
static double between(const int32_t *labels, ptrdiff_t n, double cost) {
  return labels[n] == labels[n - 1] ? cost : 0;
}

static void before_first_step(double *alpha, ptrdiff_t length, double cost) {
  alpha[0] = 0;
  for (ptrdiff_t s = 1; s <= 2 * length; s++) alpha[s] = cost;
}

// What ends in each state before its symbol is said.
static double arriving(const double *before, const int32_t *labels, ptrdiff_t s, double cost) {
  if (s == 0) return before[0];
  const double sum = log_add(before[s], before[s - 1]);
  if (s % 2 == 0 || s == 1) return sum;
  return log_add(sum, before[s - 2] + between(labels, s / 2, cost));
}

static double at_end(const double *alpha, ptrdiff_t length) {
  return length == 0 ? alpha[0] : log_add(alpha[2 * length], alpha[2 * length - 1]);
}

#define APUS_CTC(code, s, T)                                                                       \
  static ptrdiff_t symbol_##s(const int32_t *labels, ptrdiff_t state, ptrdiff_t blank) {           \
    return state % 2 == 0 ? blank : labels[state / 2];                                             \
  }                                                                                                \
                                                                                                   \
  static void alignments_##s(const T *x, const int32_t *labels, ptrdiff_t length,                  \
                             ptrdiff_t steps, ptrdiff_t classes, ptrdiff_t blank, double cost,     \
                             double *alpha, ptrdiff_t stride) {                                    \
    const ptrdiff_t states = 2 * length + 1;                                                       \
    before_first_step(alpha, length, cost);                                                        \
    for (ptrdiff_t t = 0; t < steps; t++, x += classes) {                                          \
      const double *before = alpha + t * stride;                                                   \
      double *after = alpha + (t + 1) * stride;                                                    \
      /* From the last state down, so that `after` may lie on `before`. */                         \
      for (ptrdiff_t q = states - 1; q >= 0; q--)                                               \
        after[q] = arriving(before, labels, q, cost) + (double)x[symbol_##s(labels, q, blank)]; \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void ctc_##s(const T *x, const int32_t *labels, const int32_t *lengths,                   \
                      const int32_t *steps, T *loss, ptrdiff_t count, ptrdiff_t time,              \
                      ptrdiff_t classes, ptrdiff_t longest, ptrdiff_t blank, double *alpha) {      \
    for (ptrdiff_t i = 0; i < count; i++) {                                                        \
      const double cost = forbidden(labels, lengths[i], steps[i]);                                 \
      alignments_##s(x, labels, lengths[i], steps[i], classes, blank, cost, alpha, 0);             \
      loss[i] = (T)-at_end(alpha, lengths[i]);                                                     \
      x += time * classes;                                                                         \
      labels += longest;                                                                           \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void ctc_grad_##s(const T *x, const int32_t *labels, const int32_t *lengths,              \
                           const int32_t *steps, const T *g, T *dx, ptrdiff_t count,               \
                           ptrdiff_t time, ptrdiff_t classes, ptrdiff_t longest,                   \
                           ptrdiff_t blank, double *scratch) {                                     \
    const ptrdiff_t stride = 2 * longest + 1;                                                      \
    double *alpha = scratch + stride, *beta = scratch;                                             \
    for (ptrdiff_t i = 0; i < count; i++) {                                                        \
      const ptrdiff_t length = lengths[i], states = 2 * length + 1;                                \
      const double cost = forbidden(labels, length, steps[i]);                                     \
      alignments_##s(x, labels, length, steps[i], classes, blank, cost, alpha, stride);            \
      const double total = at_end(alpha + steps[i] * stride, length);                              \
      memset(dx, 0, sizeof(T) * time * classes);                                                   \
      for (ptrdiff_t q = 0; q < states; q++)                                                    \
        beta[q] = q >= states - 2 ? 0 : -INFINITY;                                               \
      for (ptrdiff_t t = steps[i] - 1; t >= 0; t--) {                                              \
        const double *reached = alpha + (t + 1) * stride;                                          \
        const T *row = x + t * classes;                                                            \
        T *slope = dx + t * classes;                                                               \
        for (ptrdiff_t q = 0; q < states; q++) {                                                \
          const ptrdiff_t k = symbol_##s(labels, q, blank);                                       \
          /* No alignment at all: no probability to share. */                                      \
          if (total != -INFINITY)                                                                  \
            slope[k] -= (T)((double)g[i] * exp(reached[q] + beta[q] - total));                   \
          beta[q] += (double)row[k];                                                              \
        }                                                                                          \
        /* From the first state up: a state leads to itself and to the next two. */                \
        for (ptrdiff_t q = 0; q < states; q++) {                                                \
          double sum = beta[q];                                                                   \
          if (q + 1 < states) sum = log_add(sum, beta[q + 1]);                                   \
          if (q % 2 == 1 && q + 2 < states)                                                      \
            sum = log_add(sum, beta[q + 2] + between(labels, q / 2 + 1, cost));                  \
          beta[q] = sum;                                                                          \
        }                                                                                          \
      }                                                                                            \
      x += time * classes;                                                                         \
      dx += time * classes;                                                                        \
      labels += longest;                                                                           \
    }                                                                                              \
  }
APUS_FLOATS(APUS_CTC)

ptrdiff_t apus_ctc_scratch(ptrdiff_t time, ptrdiff_t longest, int gradient) {
  return (ptrdiff_t)sizeof(double) * (2 * longest + 1) * (gradient ? time + 2 : 1);
}

void apus_ctc(int dtype, const void *x, const int32_t *labels, const int32_t *lengths,
              const int32_t *steps, void *loss, ptrdiff_t count, ptrdiff_t time, ptrdiff_t classes,
              ptrdiff_t longest, ptrdiff_t blank, void *scratch) {
  if (dtype == APUS_FLOAT32)
    ctc_f32(x, labels, lengths, steps, loss, count, time, classes, longest, blank, scratch);
  if (dtype == APUS_FLOAT64)
    ctc_f64(x, labels, lengths, steps, loss, count, time, classes, longest, blank, scratch);
}

void apus_ctc_grad(int dtype, const void *x, const int32_t *labels, const int32_t *lengths,
                   const int32_t *steps, const void *g, void *dx, ptrdiff_t count, ptrdiff_t time,
                   ptrdiff_t classes, ptrdiff_t longest, ptrdiff_t blank, void *scratch) {
  if (dtype == APUS_FLOAT32)
    ctc_grad_f32(x, labels, lengths, steps, g, dx, count, time, classes, longest, blank, scratch);
  if (dtype == APUS_FLOAT64)
    ctc_grad_f64(x, labels, lengths, steps, g, dx, count, time, classes, longest, blank, scratch);
}
