// Recurrent layers over whole sequences: simple ones, gated recurrent units and LSTM, and their gradients.
//
// What the inputs contribute to the sums of all steps has been computed before, as one product; so are the gradients of both
// weights afterwards. What is left goes through time, for up to 64 sequences at once: the states times the recurrent weights,
// which are rearranged once for all steps so that the columns of a unit's gates lie side by side, and the gates of 16
// units while their sums are in the first-level cache. No sequence depends on another, so that threads meet only at the end.
#include <math.h>

#include "block_product.h"
#include "vector_math.h"

#define ROWS 64   // sequences at once
#define UNITS 16  // units of a panel of weights, and lanes of a loop

APUS_INLINE ptrdiff_t gates_of(int cell) {
  return cell == APUS_RECURRENCE_LSTM ? 4 : cell == APUS_RECURRENCE_GRU ? 3 : 1;
}

/// `APUS_CELL` of each kind of cell, so that loops are compiled for each.
#define APUS_CELLS(cell)             \
  switch (cell) {                    \
    APUS_CELL(APUS_RECURRENCE_SIMPLE) \
    APUS_CELL(APUS_RECURRENCE_GRU)   \
    APUS_CELL(APUS_RECURRENCE_LSTM)  \
    default: break;                  \
  }

APUS_INLINE ptrdiff_t wide_of(const apus_recurrence *p) { return (p->units + UNITS - 1) / UNITS * UNITS; }

/// Element (i, k) of the left factor is `a[i·row + k]`; rows of c are `c_row` apart. Rows come in multiples of 8.
static void product_f32(const float *a, ptrdiff_t row, const float *b, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                        ptrdiff_t columns, ptrdiff_t depth, int add) {
  const apus_left left = {a, row, 1, 0};
  apus_block_product(left, b, columns, c, c_row, rows, columns, depth, add);
}

APUS_CLONES(void, product_f64, (const double *a, ptrdiff_t row, const double *b, double *c, ptrdiff_t c_row,
            ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add),
            (a, row, b, c, c_row, rows, columns, depth, add)) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    for (ptrdiff_t j = 0; j < columns; j += UNITS) {
      double sum[UNITS] = {0};
      for (ptrdiff_t k = 0; k < depth; k++) {
        const double left = a[i * row + k];
        APUS_VECTORIZE
        for (ptrdiff_t l = 0; l < UNITS; l++) sum[l] += left * b[k * columns + j + l];
      }
      for (ptrdiff_t l = 0; l < UNITS; l++) {
        double *to = c + i * c_row + j + l;
        *to = add ? *to + sum[l] : sum[l];
      }
    }
  }
}

APUS_INLINE float tanh_f32(float x) { return apus_tanhf(x); }
APUS_INLINE double tanh_f64(double x) { return tanh(x); }
APUS_INLINE float sigmoid_f32(float x) { return apus_sigmoidf(x); }
APUS_INLINE double sigmoid_f64(double x) {
  const double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

#define AT(x) (*(V *)(x))

#define T float
#define V apus_vector_f32
#define S(name) name##_f32
#include "recurrence_typed.h"
#undef T
#undef V
#undef S

#define T double
#define V apus_vector_f64
#define S(name) name##_f64
#include "recurrence_typed.h"

size_t apus_recurrence_scratch(const apus_recurrence *p) {
  const ptrdiff_t wide = wide_of(p), gates = gates_of(p->cell);
  const ptrdiff_t forward = 3 * wide + gates * UNITS, backward = gates * p->units + 3 * wide;
  const ptrdiff_t rows = forward > backward ? forward : backward;
  return (size_t)(gates * p->units * wide + ROWS * rows) * (size_t)apus_dtype_size(p->dtype);
}

void apus_recurrence_run(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch) {
  if (p->dtype == APUS_FLOAT32) forward_f32(p, first, last, scratch);
  if (p->dtype == APUS_FLOAT64) forward_f64(p, first, last, scratch);
}

void apus_recurrence_grad_run(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch) {
  if (p->dtype == APUS_FLOAT32) backward_f32(p, first, last, scratch);
  if (p->dtype == APUS_FLOAT64) backward_f64(p, first, last, scratch);
}
