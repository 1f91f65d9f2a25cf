// Recurrent layers, over all their steps.
#include "driver.h"

enum { most_gates = 4 };

typedef struct {
  int cell, activation, reversed, masked, dropped;
  ptrdiff_t batch, time, units;
} layer;

static const layer layers[] = {
    {APUS_RECURRENCE_SIMPLE, APUS_ACTIVATION_TANH, 0, 0, 0, 3, 4, 5},  {APUS_RECURRENCE_SIMPLE, APUS_ACTIVATION_LINEAR, 1, 1, 1, 9, 3, 17},
    {APUS_RECURRENCE_GRU, APUS_ACTIVATION_TANH, 0, 1, 0, 2, 5, 16},    {APUS_RECURRENCE_GRU, APUS_ACTIVATION_TANH, 1, 0, 1, 10, 3, 33},
    {APUS_RECURRENCE_LSTM, APUS_ACTIVATION_TANH, 0, 0, 0, 1, 6, 7},    {APUS_RECURRENCE_LSTM, APUS_ACTIVATION_TANH, 1, 1, 1, 11, 4, 20},
    {APUS_RECURRENCE_LSTM, APUS_ACTIVATION_TANH, 0, 0, 0, 8, 2, 64},   {APUS_RECURRENCE_GRU, APUS_ACTIVATION_TANH, 0, 0, 0, 4, 1, 1},
    {APUS_RECURRENCE_SIMPLE, APUS_ACTIVATION_TANH, 0, 0, 0, 0, 3, 4},
};
enum { layer_count = sizeof layers / sizeof *layers };

static int gates_of(int cell) { return cell == APUS_RECURRENCE_SIMPLE ? 1 : cell == APUS_RECURRENCE_GRU ? 3 : 4; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double activated(const layer *l, double x) { return l->activation == APUS_ACTIVATION_TANH ? tanh(x) : x; }

// What a layer reads.
typedef struct {
  double *sums, *weights, *h0, *c0, *bias, *drop;
  const uint8_t *mask;
} numbers;

// One step after the other, in 64 bits: the states `[batch, time, units]`, and the last memory of an LSTM.
static void plain(const layer *l, const numbers *x, double *states, double *last_memory) {
  const int gates = gates_of(l->cell);
  const ptrdiff_t units = l->units, width = gates * units;
  for (ptrdiff_t b = 0; b < l->batch; b++) {
    double h[64], c[64], next[64];
    for (ptrdiff_t u = 0; u < units; u++) h[u] = x->h0[b * units + u], c[u] = x->c0[b * units + u];
    for (ptrdiff_t step = 0; step < l->time; step++) {
      const ptrdiff_t t = l->reversed ? l->time - 1 - step : step;
      const double *sums = x->sums + (b * l->time + t) * width;
      const int counts = !l->masked || x->mask[b * l->time + t];
      for (ptrdiff_t u = 0; u < units; u++) {
        double product[most_gates] = {0};
        for (ptrdiff_t v = 0; v < units; v++) for (int g = 0; g < gates; g++) {
          product[g] += h[v] * (l->dropped ? x->drop[b * units + v] : 1) * x->weights[v * width + g * units + u];
        }
#define SUM(g) sums[(g) * units + u]
        next[u] = h[u];
        if (!counts) continue;
        if (l->cell == APUS_RECURRENCE_SIMPLE) {
          next[u] = activated(l, SUM(0) + product[0]);
        } else if (l->cell == APUS_RECURRENCE_GRU) {
          const double z = sigmoid(SUM(0) + product[0]), r = sigmoid(SUM(1) + product[1]);
          next[u] = z * h[u] + (1 - z) * activated(l, SUM(2) + r * (product[2] + x->bias[u]));
        } else {
          c[u] = sigmoid(SUM(1) + product[1]) * c[u] + sigmoid(SUM(0) + product[0]) * activated(l, SUM(2) + product[2]);
          next[u] = sigmoid(SUM(3) + product[3]) * activated(l, c[u]);
        }
      }
      for (ptrdiff_t u = 0; u < units; u++) states[(b * l->time + t) * units + u] = h[u] = next[u];
    }
    for (ptrdiff_t u = 0; u < units; u++) last_memory[b * units + u] = c[u];
  }
}

static void *as(int dtype, const double *x, ptrdiff_t n) {
  void *y = room(n, (size_t)apus_dtype_size(dtype));
  for (ptrdiff_t i = 0; i < n; i++) put(dtype, y, i, x[i]);
  return y;
}

// Σ slopes · states + Σ slopes · last memories.
static double objective(const layer *l, const numbers *x, const double *slopes, const double *memory_slopes) {
  const ptrdiff_t count = l->batch * l->time * l->units, sequences = l->batch * l->units;
  double *states = room(count, sizeof(double)), *memory = room(sequences, sizeof(double)), sum = 0;
  plain(l, x, states, memory);
  for (ptrdiff_t i = 0; i < count; i++) sum += slopes[i] * states[i];
  for (ptrdiff_t i = 0; l->cell == APUS_RECURRENCE_LSTM && i < sequences; i++) sum += memory_slopes[i] * memory[i];
  return sum;
}

static void recurrence(void) {
  for (int s = 0; s < layer_count; s++) EACH_FLOAT(dtype) {
    const layer *l = &layers[s];
    const int gates = gates_of(l->cell), is_lstm = l->cell == APUS_RECURRENCE_LSTM, is_gru = l->cell == APUS_RECURRENCE_GRU;
    const ptrdiff_t units = l->units, sequences = l->batch * units, steps = l->batch * l->time, count = steps * units;
    const ptrdiff_t wide = steps * gates * units, weights = units * gates * units;
    const size_t size = (size_t)apus_dtype_size(dtype);
    uint8_t *mask = room(steps, 1);
    for (ptrdiff_t i = 0; i < steps; i++) mask[i] = draw(0, 1) < 0.7;
    numbers x = {drawn(APUS_FLOAT64, wide, -1, 1), drawn(APUS_FLOAT64, weights, -0.5, 0.5), drawn(APUS_FLOAT64, sequences, -1, 1),
                 drawn(APUS_FLOAT64, sequences, -1, 1), drawn(APUS_FLOAT64, units, -1, 1), drawn(APUS_FLOAT64, sequences, 0, 2), mask};
    double *states = room(count, sizeof(double)), *last = room(sequences, sizeof(double)), *memory = room(sequences, sizeof(double));
    plain(l, &x, states, memory);
    for (ptrdiff_t b = 0; b < l->batch; b++) for (ptrdiff_t u = 0; u < units; u++) {
      last[b * units + u] = states[(b * l->time + (l->reversed ? 0 : l->time - 1)) * units + u];
    }
    const double *slopes = drawn(APUS_FLOAT64, count, -1, 1), *memory_slopes = drawn(APUS_FLOAT64, sequences, -1, 1);
    apus_recurrence p = {
        .dtype = dtype, .cell = l->cell, .activation = l->activation, .gate = APUS_ACTIVATION_SIGMOID, .reversed = l->reversed,
        .batch = l->batch, .time = l->time, .units = units, .sums = as(dtype, x.sums, wide), .weights = as(dtype, x.weights, weights),
        .h0 = as(dtype, x.h0, sequences), .c0 = is_lstm ? as(dtype, x.c0, sequences) : NULL, .bias = is_gru ? as(dtype, x.bias, units) : NULL,
        .drop = l->dropped ? as(dtype, x.drop, sequences) : NULL, .mask = l->masked ? mask : NULL, .outputs = room(count, size),
        .last = room(sequences, size), .gates = room(wide, size), .memory = room(count, size),
        .last_memory = is_lstm ? room(sequences, size) : NULL, .g = as(dtype, slopes, count),
        .g_last_memory = is_lstm ? as(dtype, memory_slopes, sequences) : NULL, .sums_gradient = room(wide, size),
        .h0_gradient = room(sequences, size), .c0_gradient = is_lstm ? room(sequences, size) : NULL,
        .memory_gradient = is_gru ? room(count, size) : NULL,
    };
    void *scratch = room((ptrdiff_t)apus_recurrence_scratch(&p), 1);
    // In two parts, as two threads would.
    apus_recurrence_run(&p, 0, l->batch / 2, scratch);
    apus_recurrence_run(&p, l->batch / 2, l->batch, scratch);
    const double near = 50 * NEAR(dtype);
    expect_close(dtype, p.outputs, states, count, near, near, "states, layer %d, type %d", s, dtype);
    expect_close(dtype, p.last, last, sequences, near, near, "last states, layer %d, type %d", s, dtype);
    if (is_lstm) expect_close(dtype, p.last_memory, memory, sequences, near, near, "last memories, layer %d, type %d", s, dtype);
    apus_recurrence_grad_run(&p, 0, l->batch / 2, scratch);
    apus_recurrence_grad_run(&p, l->batch / 2, l->batch, scratch);
    // Central differences, of some numbers.
    double *places[] = {x.sums, x.h0, x.c0};
    const void *found[] = {p.sums_gradient, p.h0_gradient, p.c0_gradient};
    const ptrdiff_t counts[] = {wide, sequences, is_lstm ? sequences : 0};
    for (int which = 0; which < 3; which++) for (ptrdiff_t i = 0; i < counts[which]; i += 1 + counts[which] / 23) {
      const double before = places[which][i], step = 1e-5;
      places[which][i] = before + step;
      const double more = objective(l, &x, slopes, memory_slopes);
      places[which][i] = before - step;
      const double wanted = (more - objective(l, &x, slopes, memory_slopes)) / (2 * step);
      places[which][i] = before;
      const double far = dtype == APUS_FLOAT32 ? 2e-5 : 1e-8;
      expect(fabs(get(dtype, found[which], i) - wanted) <= far * fmax(1, fabs(wanted)), "gradient %d of layer %d, type %d, at %td: %g, not %g", which, s, dtype, i, get(dtype, found[which], i), wanted);
    }
  }
}

const row recurrence_rows[] = {
    {"apus_recurrence_scratch apus_recurrence_run apus_recurrence_grad_run", recurrence},
    {0},
};
