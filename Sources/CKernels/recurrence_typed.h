// Sequences of a recurrent layer, forward and backward, for one element type. Included once a type.

/// Applies an activation to n numbers, a multiple of 16.
APUS_INLINE void S(activate)(int kind, T *x, int n) {
#define APUS_EACH(EXPR)                \
  {                                    \
    for (int j = 0; j < n; j++) {      \
      const T u = x[j];                \
      x[j] = (EXPR);                   \
    }                                  \
    break;                             \
  }
  switch (kind) {
    case APUS_ACTIVATION_TANH: APUS_EACH(S(tanh)(u))
    case APUS_ACTIVATION_SIGMOID: APUS_EACH(S(sigmoid)(u))
    case APUS_ACTIVATION_RELU: APUS_EACH(u < 0 ? 0 : u)
    case APUS_ACTIVATION_HARD_SIGMOID: APUS_EACH((u + 3 < 0 ? 0 : u + 3 >= 6 ? 6 : u + 3) / 6)
    default: break;
  }
#undef APUS_EACH
}

/// Multiplies g by an activation's slope where its value is y: 16 numbers.
APUS_INLINE void S(descend)(int kind, const T *y, T *g) {
#define APUS_EACH(EXPR)                    \
  {                                        \
    APUS_VECTORIZE                         \
    for (int j = 0; j < UNITS; j++) {      \
      const T u = y[j];                    \
      g[j] = g[j] * (EXPR);                \
    }                                      \
    break;                                 \
  }
  switch (kind) {
    case APUS_ACTIVATION_TANH: APUS_EACH(1 - u * u)
    case APUS_ACTIVATION_SIGMOID: APUS_EACH(u * (1 - u))
    case APUS_ACTIVATION_RELU: APUS_EACH((T)(u > 0))
    case APUS_ACTIVATION_HARD_SIGMOID: APUS_EACH(u > 0 && u < 1 ? (T)1 / 6 : 0)
    default: break;
  }
#undef APUS_EACH
}

/// The first n of 16 numbers, then zeros.
APUS_INLINE void S(take)(const T *x, ptrdiff_t n, T *y) {
  if (n == UNITS) {
    AT(y) = AT(x);
  } else {
    for (int j = 0; j < UNITS; j++) y[j] = j < n ? x[j] : 0;
  }
}

APUS_INLINE void S(put)(const T *y, ptrdiff_t n, T *x) {
  if (n == UNITS) {
    AT(x) = AT(y);
  } else {
    APUS_SCALAR
    for (ptrdiff_t j = 0; j < n; j++) x[j] = y[j];
  }
}

/// Where the parts of one sequence at one step are, from the unit `u` on.
typedef struct {
  ptrdiff_t gates, state, kept;  // offsets into gates, into states of all steps, and into single ones
  int masked;
} S(place);

APUS_INLINE S(place) S(place_of)(const apus_recurrence *p, ptrdiff_t row, ptrdiff_t t, ptrdiff_t u) {
  const ptrdiff_t step = row * p->time + t;
  const S(place) at = {step * gates_of(p->cell) * p->units + u, step * p->units + u, row * p->units + u,
                       p->mask && !p->mask[step]};
  return at;
}

/// The state before a step: that after the step before, or that before the first.
APUS_INLINE const T *S(before)(const apus_recurrence *p, const void *states, const void *initial, S(place) at,
                               ptrdiff_t step) {
  const ptrdiff_t back = p->reversed ? p->units : -p->units;
  return step == 0 ? (const T *)initial + at.kept : (const T *)states + at.state + back;
}

/// The gates, and what follows from them, of `count` units from u on in n sequences, whose products with the recurrent
/// weights are `sums`. Writes the next left factor and updates the memories of an LSTM.
APUS_INLINE void S(forward_units)(const apus_recurrence *p, int cell, ptrdiff_t count, ptrdiff_t row, ptrdiff_t n,
                                  ptrdiff_t t, ptrdiff_t step, ptrdiff_t u, T *sums, T *memories, T *left) {
  const ptrdiff_t units = p->units, wide = wide_of(p), gates = gates_of(cell);
  const ptrdiff_t next = (p->reversed ? -1 : 1) * gates * units;
  for (ptrdiff_t i = 0; i < n; i++) {
    const S(place) at = S(place_of)(p, row + i, t, u);
    const T *x = (const T *)p->sums + at.gates;
    T *s = sums + i * gates * UNITS, *to = (T *)p->gates + at.gates, h[UNITS], inputs[4 * UNITS];
    for (ptrdiff_t g = 0; g < gates; g++) {
      S(take)(x + g * units, count, inputs + g * UNITS);
      // Sequences are far apart: the processor does not see the next step coming.
      __builtin_prefetch(x + g * units + next, 1);
    }
    const T *past = S(before)(p, p->outputs, p->h0, at, step);
    if (cell == APUS_RECURRENCE_LSTM) {
      T *c = memories + i * wide + u, shown[UNITS];
      for (int j = 0; j < 4 * UNITS; j += UNITS) AT(s + j) += AT(inputs + j);
      S(activate)(p->gate, s, 2 * UNITS);
      S(activate)(p->activation, s + 2 * UNITS, UNITS);
      S(activate)(p->gate, s + 3 * UNITS, UNITS);
      if (!at.masked) {
        AT(c) = AT(s + UNITS) * AT(c) + AT(s) * AT(s + 2 * UNITS);
      }
      S(put)(c, count, (T *)p->memory + at.state);
      AT(shown) = AT(c);
      S(activate)(p->activation, shown, UNITS);
      AT(h) = AT(s + 3 * UNITS) * AT(shown);
    } else if (cell == APUS_RECURRENCE_GRU) {
      T *z = s, *r = s + UNITS, *product = s + 2 * UNITS, bias[UNITS], old[UNITS];
      for (int j = 0; j < 2 * UNITS; j += UNITS) AT(s + j) += AT(inputs + j);
      S(activate)(p->gate, s, 2 * UNITS);
      S(take)((const T *)p->bias + u, count, bias);
      S(take)(past, count, old);
      AT(product) += AT(bias);
      S(put)(product, count, (T *)p->memory + at.state);
      AT(product) = AT(inputs + 2 * UNITS) + AT(r) * AT(product);
      S(activate)(p->activation, product, UNITS);
      AT(h) = AT(product) + AT(z) * (AT(old) - AT(product));
    } else {
      AT(s) += AT(inputs);
      S(activate)(p->activation, s, UNITS);
      AT(h) = AT(s);
    }
    if (at.masked) S(take)(past, count, h);
    for (ptrdiff_t g = 0; g < gates; g++) S(put)(s + g * UNITS, count, to + g * units);
    S(put)(h, count, (T *)p->outputs + at.state);
    if (p->drop) {
      T kept[UNITS];
      S(take)((const T *)p->drop + at.kept, count, kept);
      AT(h) *= AT(kept);
    }
    S(put)(h, UNITS, left + i * wide + u);
  }
}

APUS_CLONES(void, S(forward_block), (const apus_recurrence *p, ptrdiff_t row, ptrdiff_t n, ptrdiff_t t,
            ptrdiff_t step, ptrdiff_t u, T *sums, T *memories, T *left),
            (p, row, n, t, step, u, sums, memories, left)) {
  const ptrdiff_t count = apus_min(UNITS, p->units - u);
#define APUS_CELL(cell)                                                                     \
  case cell:                                                                                \
    if (count == UNITS) {                                                                   \
      S(forward_units)(p, cell, UNITS, row, n, t, step, u, sums, memories, left);           \
    } else {                                                                                \
      S(forward_units)(p, cell, count, row, n, t, step, u, sums, memories, left);           \
    }                                                                                       \
    break;
  APUS_CELLS(p->cell)
#undef APUS_CELL
}

/// The gradients of all sums of n sequences at one step: in memory, and in `slopes` as the left factor of the product that
/// follows. `states` are the gradients of the states after the step, and become what passes by that product; `memories`
/// are those of the memories of an LSTM.
APUS_INLINE void S(backward_units)(const apus_recurrence *p, int cell, ptrdiff_t count, ptrdiff_t row, ptrdiff_t i,
                                   ptrdiff_t t, ptrdiff_t step, ptrdiff_t u, T *states, T *memories, T *slopes) {
  const ptrdiff_t units = p->units, wide = wide_of(p), gates = gates_of(cell);
  const S(place) at = S(place_of)(p, row + i, t, u);
  const T *x = (const T *)p->gates + at.gates;
  T *dh = states + i * wide + u, *left = slopes + i * gates * units + u, y[4 * UNITS], d[4 * UNITS];
  T *to = (T *)p->sums_gradient + at.gates, other[UNITS];
  if (p->g) {
    S(take)((const T *)p->g + at.state, count, d);
    AT(dh) += AT(d);
  }
  if (at.masked) {
    memset(d, 0, sizeof(d));
    for (ptrdiff_t g = 0; g < gates; g++) {
      S(put)(d, count, to + g * units);
      S(put)(d, count, left + g * units);
    }
    if (cell == APUS_RECURRENCE_GRU) S(put)(d, count, (T *)p->memory_gradient + at.state);
    return;
  }
  for (ptrdiff_t g = 0; g < gates; g++) S(take)(x + g * units, count, y + g * UNITS);
  if (cell == APUS_RECURRENCE_LSTM) {
    T *dc = memories + i * wide + u, shown[UNITS], carried[UNITS];
    S(take)(S(before)(p, p->memory, p->c0, at, step), count, other);
    S(take)((const T *)p->memory + at.state, count, shown);
    S(activate)(p->activation, shown, UNITS);
    AT(d + 3 * UNITS) = AT(dh) * AT(shown);
    AT(carried) = AT(dh) * AT(y + 3 * UNITS);
    AT(dh) = 0;
    S(descend)(p->activation, shown, carried);
    const V slope = AT(carried) + AT(dc);
    AT(d) = slope * AT(y + 2 * UNITS);
    AT(d + UNITS) = slope * AT(other);
    AT(d + 2 * UNITS) = slope * AT(y);
    AT(dc) = slope * AT(y + UNITS);
    S(descend)(p->gate, y, d);
    S(descend)(p->gate, y + UNITS, d + UNITS);
    S(descend)(p->activation, y + 2 * UNITS, d + 2 * UNITS);
    S(descend)(p->gate, y + 3 * UNITS, d + 3 * UNITS);
  } else if (cell == APUS_RECURRENCE_GRU) {
    const T *z = y, *r = y + UNITS, *candidate = y + 2 * UNITS;
    T product[UNITS];
    S(take)(S(before)(p, p->outputs, p->h0, at, step), count, other);
    S(take)((const T *)p->memory + at.state, count, product);
    AT(d) = AT(dh) * (AT(other) - AT(candidate));
    AT(d + 2 * UNITS) = AT(dh) * (1 - AT(z));
    AT(dh) *= AT(z);
    S(descend)(p->activation, candidate, d + 2 * UNITS);
    AT(d + UNITS) = AT(d + 2 * UNITS) * AT(product);
    AT(other) = AT(d + 2 * UNITS) * AT(r);
    S(descend)(p->gate, z, d);
    S(descend)(p->gate, r, d + UNITS);
    S(put)(other, count, (T *)p->memory_gradient + at.state);
  } else {
    AT(d) = AT(dh);
    AT(dh) = 0;
    S(descend)(p->activation, y, d);
  }
  for (ptrdiff_t g = 0; g < gates; g++) {
    S(put)(d + g * UNITS, count, to + g * units);
    S(put)(g == 2 && gates == 3 ? other : d + g * UNITS, count, left + g * units);
  }
}

APUS_CLONES(void, S(backward_step), (const apus_recurrence *p, ptrdiff_t row, ptrdiff_t n, ptrdiff_t t,
            ptrdiff_t step, T *states, T *memories, T *slopes),
            (p, row, n, t, step, states, memories, slopes)) {
#define APUS_CELL(cell)                                                                                        \
  case cell:                                                                                                   \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                        \
      ptrdiff_t u = 0;                                                                                         \
      for (; u + UNITS <= p->units; u += UNITS) {                                                              \
        S(backward_units)(p, cell, UNITS, row, i, t, step, u, states, memories, slopes);                       \
      }                                                                                                        \
      if (u < p->units) S(backward_units)(p, cell, p->units - u, row, i, t, step, u, states, memories, slopes); \
    }                                                                                                          \
    break;
  APUS_CELLS(p->cell)
#undef APUS_CELL
}

/// Rows of single states into rows of the length `wide`, zeros where there are none; `drop` may be NULL.
APUS_INLINE void S(load_states)(const void *x, const void *drop, ptrdiff_t row, ptrdiff_t n, ptrdiff_t units,
                                ptrdiff_t wide, T *y) {
  memset(y, 0, sizeof(T) * (size_t)(ROWS * wide));
  for (ptrdiff_t i = 0; x && i < n; i++) {
    for (ptrdiff_t u = 0; u < units; u++) {
      const ptrdiff_t at = (row + i) * units + u;
      y[i * wide + u] = drop ? ((const T *)x)[at] * ((const T *)drop)[at] : ((const T *)x)[at];
    }
  }
}

APUS_INLINE void S(store_states)(const T *x, ptrdiff_t row, ptrdiff_t n, ptrdiff_t units, ptrdiff_t wide, void *y) {
  for (ptrdiff_t i = 0; i < n; i++) memcpy((T *)y + (row + i) * units, x + i * wide, sizeof(T) * (size_t)units);
}

static void S(forward)(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch) {
  const ptrdiff_t units = p->units, wide = wide_of(p), gates = gates_of(p->cell), width = gates * UNITS;
  T *panels = scratch, *left[2] = {panels + gates * units * wide, panels + gates * units * wide + ROWS * wide};
  T *memories = left[1] + ROWS * wide, *sums = memories + ROWS * wide;
  // Panel after panel, of each the rows of all units: the columns of 16 units' gates.
  for (ptrdiff_t u = 0; u < wide; u += UNITS) {
    for (ptrdiff_t k = 0; k < units; k++) {
      for (ptrdiff_t g = 0; g < gates; g++) {
        S(take)((const T *)p->weights + (k * gates + g) * units + u, apus_min(UNITS, units - u),
                panels + u * gates * units + k * width + g * UNITS);
      }
    }
  }
  for (ptrdiff_t row = first; row < last; row += ROWS) {
    const ptrdiff_t n = apus_min(ROWS, last - row);
    const ptrdiff_t padded = (n + APUS_PRODUCT_ROWS - 1) / APUS_PRODUCT_ROWS * APUS_PRODUCT_ROWS;
    S(load_states)(p->h0, p->drop, row, n, units, wide, left[0]);
    S(load_states)(NULL, NULL, row, n, units, wide, left[1]);
    S(load_states)(p->c0, NULL, row, n, units, wide, memories);
    for (ptrdiff_t step = 0; step < p->time; step++) {
      const ptrdiff_t t = p->reversed ? p->time - 1 - step : step;
      for (ptrdiff_t u = 0; u < wide; u += UNITS) {
        S(product)(left[step & 1], wide, panels + u * gates * units, sums, width, padded, width, units, 0);
        S(forward_block)(p, row, n, t, step, u, sums, memories, left[(step + 1) & 1]);
      }
    }
    const ptrdiff_t end = p->reversed ? 0 : p->time - 1;
    for (ptrdiff_t i = row; i < row + n; i++) {
      const ptrdiff_t at = (i * p->time + end) * units;
      memcpy((T *)p->last + i * units, (const T *)p->outputs + at, sizeof(T) * (size_t)units);
      if (p->cell == APUS_RECURRENCE_LSTM) {
        memcpy((T *)p->last_memory + i * units, (const T *)p->memory + at, sizeof(T) * (size_t)units);
      }
    }
  }
}

static void S(backward)(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch) {
  const ptrdiff_t units = p->units, wide = wide_of(p), depth = gates_of(p->cell) * units;
  T *panels = scratch, *slopes = panels + depth * wide, *states = slopes + ROWS * depth;
  T *memories = states + ROWS * wide, *back = memories + ROWS * wide;
  // The transposed weights, 32 columns after 32 columns.
  for (ptrdiff_t u = 0; u < wide; u += 2 * UNITS) {
    const ptrdiff_t columns = apus_min(2 * UNITS, wide - u);
    for (ptrdiff_t j = 0; j < columns; j++) {
      const T *from = (const T *)p->weights + (u + j) * depth;
      for (ptrdiff_t k = 0; k < depth; k++) panels[u * depth + k * columns + j] = u + j < units ? from[k] : 0;
    }
  }
  memset(slopes, 0, sizeof(T) * (size_t)(ROWS * depth));
  for (ptrdiff_t row = first; row < last; row += ROWS) {
    const ptrdiff_t n = apus_min(ROWS, last - row);
    const ptrdiff_t padded = (n + APUS_PRODUCT_ROWS - 1) / APUS_PRODUCT_ROWS * APUS_PRODUCT_ROWS;
    S(load_states)(p->g_last, NULL, row, n, units, wide, states);
    S(load_states)(p->g_last_memory, NULL, row, n, units, wide, memories);
    for (ptrdiff_t step = p->time - 1; step >= 0; step--) {
      const ptrdiff_t t = p->reversed ? p->time - 1 - step : step;
      S(backward_step)(p, row, n, t, step, states, memories, slopes);
      T *target = p->drop ? back : states;
      for (ptrdiff_t u = 0; u < wide; u += 2 * UNITS) {
        S(product)(slopes, depth, panels + u * depth, target + u, wide, padded, apus_min(2 * UNITS, wide - u), depth,
                   !p->drop);
      }
      for (ptrdiff_t i = 0; p->drop && i < n; i++) {
        const T *kept = (const T *)p->drop + (row + i) * units;
        for (ptrdiff_t u = 0; u < units; u++) states[i * wide + u] += kept[u] * back[i * wide + u];
      }
    }
    S(store_states)(states, row, n, units, wide, p->h0_gradient);
    if (p->cell == APUS_RECURRENCE_LSTM) S(store_states)(memories, row, n, units, wide, p->c0_gradient);
  }
}
