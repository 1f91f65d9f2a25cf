// Attention of one head and its gradients, for one element type. Included once a type, after attention_tile.h.

/// How many keys of a tile the queries of 16 lanes from `lane` on may see.
APUS_INLINE ptrdiff_t S(visible)(const apus_attention *p, ptrdiff_t diagonal, ptrdiff_t nk, ptrdiff_t lane) {
  return p->is_causal ? apus_max(0, apus_min(nk, lane + APUS_LANES - diagonal)) : nk;
}

/// One tile of queries of one head: softmax(scale · q kᵀ + mask) · v, keys tile by tile with a running maximum and
/// sum.
APUS_INLINE void S(attend)(int width, const apus_attention *p, const T *q, const T *k, const T *v,
                           const uint8_t *mask, T *y, T *log_sums, ptrdiff_t q0, ptrdiff_t h, ptrdiff_t wide, T *room) {
  const ptrdiff_t nq = apus_min(TILE, p->queries - q0), size = p->size;
  const ptrdiff_t keys = p->is_causal ? apus_min(p->keys, q0 + nq) : p->keys;
  T *queries = room, *weights = queries + size * TILE, *sums = weights + TILE * TILE;
  T *copy = sums + TILE * wide, *copy_k = copy + TILE * wide, *largest = copy_k + TILE * wide, *total = largest + TILE, *factor = total + TILE;
  S(transposed_factor)(p, q + q0 * p->q.time, p->q.time, p->q.element, nq, (T)p->scale, queries);
  for (int i = 0; i < TILE; i++) largest[i] = -(T)INFINITY, total[i] = 0;
  for (ptrdiff_t i = 0; keys == 0 && i < TILE * wide; i++) sums[i] = 0;

  for (ptrdiff_t k0 = 0; k0 < keys; k0 += TILE) {
    const ptrdiff_t nk = apus_min(TILE, keys - k0), diagonal = k0 - q0;
    const T *keys = k + k0 * p->k.time;
    ptrdiff_t key = p->k.time, element = p->k.element;
    if (p->rounds) {
      keys = S(factor)(p, keys, key, element, nk, size, wide, copy_k, &key);
      element = 1;
    }
    S(scores)(width, p, keys, key, element, queries, mask, q0, nq, k0, nk, weights, S(behind)(p, h, q, &p->q, nq),
              S(result)(p, h, y, &p->y, nq));
    for (ptrdiff_t i = 0; i < nq; i += APUS_LANES) {
      const ptrdiff_t seen = S(visible)(p, diagonal, nk, i);
      const V before = LOAD(largest + i);
      V a = before, b = before;
      ptrdiff_t j = 0;
      for (; j + 2 <= seen; j += 2) {
        const V s = LOAD(weights + j * TILE + i), t = LOAD(weights + (j + 1) * TILE + i);
        a = APUS_LARGER(a, s);
        b = APUS_LARGER(b, t);
      }
      if (j < seen) {
        const V s = LOAD(weights + j * TILE + i);
        a = APUS_LARGER(a, s);
      }
      const V now = APUS_LARGER(a, b);
      // Of a query that has seen no key yet all weights are exp(−infinity − 0).
      const V shift = now == -(T)INFINITY ? (V)0 : now;
      V sum = 0;
      for (j = 0; j < seen; j++) {
        T *at = weights + j * TILE + i;
        STORE(at, LOAD(at) - shift);
        S(exp_lanes)(at);
        sum += LOAD(at);
        if (p->rounds) S(round_all)(at, APUS_LANES, 1);
      }
      STORE(factor + i, before - shift);
      S(exp_lanes)(factor + i);
      STORE(total + i, LOAD(total + i) * LOAD(factor + i) + sum);
      STORE(largest + i, now);
    }
    if (k0 > 0) S(scaled_rows)(sums, wide, factor, 1, nq, wide, sums, wide, 1);
    ptrdiff_t ld;
    const T *values = S(factor)(p, v + k0 * p->v.time, p->v.time, p->v.element, nk, size, wide, copy, &ld);
    S(product)(width, p->is_causal ? DEPTH_TO : WHOLE, diagonal, nq, wide, nk, weights, 1, TILE, values, ld, sums, wide,
               k0 > 0, S(behind)(p, h, k, &p->k, p->keys), S(behind)(p, h, v, &p->v, p->keys));
  }

  for (ptrdiff_t i = 0; i < nq; i++) {
    log_sums[q0 + i] = total[i] == 0 ? -(T)INFINITY : largest[i] + S(log)(total[i]);
    factor[i] = total[i] == 0 ? 0 : 1 / total[i];
  }
  S(scaled_rows)(sums, wide, factor, 1, nq, size, y + q0 * p->y.time, p->y.time, p->y.element);
}

/// The gradients of one head. Weights are computed again, tile by tile, from the scores and their log-sum-exp.
APUS_INLINE void S(attend_grad)(int width, const apus_attention *p, const T *q, const T *k, const T *v,
                                const uint8_t *mask, const T *y, const T *log_sums, const T *g, T *dq, T *dk,
                                T *dv, ptrdiff_t h, ptrdiff_t wide, T *room) {
  const ptrdiff_t tiles = (p->queries + TILE - 1) / TILE, size = p->size;
  T *queries = room, *gradients = queries + tiles * size * TILE, *shift = gradients + tiles * size * TILE;
  T *dots = shift + tiles * TILE, *copy_q = dots + tiles * TILE, *copy_g = copy_q + tiles * TILE * wide;
  T *sums_q = copy_g + tiles * TILE * wide, *copy_k = sums_q + tiles * TILE * wide;
  T *copy_v = copy_k + TILE * wide, *sums_k = copy_v + TILE * wide, *sums_v = sums_k + TILE * wide;
  T *weights = sums_v + TILE * wide, *slopes = weights + TILE * TILE;

  for (ptrdiff_t t = 0; t < tiles; t++) {
    const ptrdiff_t q0 = t * TILE, nq = apus_min(TILE, p->queries - q0);
    S(transposed_factor)(p, q + q0 * p->q.time, p->q.time, p->q.element, nq, (T)p->scale, queries + t * size * TILE);
    T *columns = gradients + t * size * TILE;
    S(transposed_factor)(p, g + q0 * p->g.time, p->g.time, p->g.element, nq, 1, columns);
    for (ptrdiff_t i = 0; i < nq; i++) {
      const T *yi = y + (q0 + i) * p->y.time, *gi = g + (q0 + i) * p->g.time;
      // exp(score − infinity) = 0 is the weight of a query without keys.
      const T log_sum = log_sums[q0 + i];
      shift[q0 + i] = log_sum == -(T)INFINITY ? (T)INFINITY : log_sum;
      if (p->g.element == 1 && p->y.element == 1) {
        dots[q0 + i] = (T)S(row_dot)(gi, yi, size);
      } else {
        T dot = 0;
        for (ptrdiff_t c = 0; c < size; c++) dot += gi[c * p->g.element] * yi[c * p->y.element];
        dots[q0 + i] = dot;
      }
    }
    for (ptrdiff_t i = nq; i < TILE; i++) shift[q0 + i] = (T)INFINITY, dots[q0 + i] = 0;
  }
  ptrdiff_t ld_q, ld_g, ld_k;
  const T *rows_q = S(factor)(p, q, p->q.time, p->q.element, p->queries, size, wide, copy_q, &ld_q);
  const T *rows_g = S(factor)(p, g, p->g.time, p->g.element, p->queries, size, wide, copy_g, &ld_g);
  for (ptrdiff_t i = 0; i < tiles * TILE * wide; i++) sums_q[i] = 0;

  for (ptrdiff_t k0 = 0; k0 < p->keys; k0 += TILE) {
    const ptrdiff_t nk = apus_min(TILE, p->keys - k0);
    const T *tile_k = k + k0 * p->k.time, *tile_v = v + k0 * p->v.time;
    const T *rows_k = S(factor)(p, tile_k, p->k.time, p->k.element, nk, size, wide, copy_k, &ld_k);
    ptrdiff_t key = p->k.time, of_key = p->k.element, value = p->v.time, of_value = p->v.element;
    if (p->rounds) {
      tile_k = rows_k, key = ld_k, of_key = 1;
      tile_v = S(factor)(p, tile_v, value, of_value, nk, size, wide, copy_v, &value), of_value = 1;
    }
    for (ptrdiff_t i = 0; i < TILE * wide; i++) sums_k[i] = 0, sums_v[i] = 0;
    for (ptrdiff_t t = p->is_causal ? k0 / TILE : 0; t < tiles; t++) {
      const ptrdiff_t q0 = t * TILE, nq = apus_min(TILE, p->queries - q0), diagonal = k0 - q0;
      const int is_cut = p->is_causal && diagonal + nk > 1;
      S(scores)(width, p, tile_k, key, of_key, queries + t * size * TILE, mask, q0, nq, k0, nk, weights,
                S(behind)(p, h, q, &p->q, nq), S(result)(p, h, dk, &p->dk, nk));
      S(product)(width, is_cut ? COLUMNS_FROM : WHOLE, diagonal, nk, apus_round_up(nq), size, tile_v, value,
                 of_value, gradients + t * size * TILE, TILE, slopes, TILE, 0, S(behind)(p, h, k, &p->k, nk),
                 S(result)(p, h, dv, &p->dv, nk));
      for (ptrdiff_t i = 0; i < nq; i += APUS_LANES) {
        const ptrdiff_t seen = S(visible)(p, diagonal, nk, i);
        const V log_sum = LOAD(shift + q0 + i), dot = LOAD(dots + q0 + i);
        for (ptrdiff_t j = 0; j < seen; j++) {
          T *weight = weights + j * TILE + i, *slope = slopes + j * TILE + i;
          STORE(weight, LOAD(weight) - log_sum);
          S(exp_lanes)(weight);
          STORE(slope, LOAD(weight) * (LOAD(slope) - dot));
          if (p->rounds) S(round_all)(weight, APUS_LANES, 1), S(round_all)(slope, APUS_LANES, 1);
        }
      }
      const product_part part = is_cut ? DEPTH_FROM : WHOLE;
      S(product)(width, part, diagonal, nk, wide, nq, weights, TILE, 1, rows_g + q0 * ld_g, ld_g, sums_v, wide, 1,
                 S(behind)(p, h, v, &p->v, nk), S(result)(p, h, dq, &p->dq, nq));
      S(product)(width, part, diagonal, nk, wide, nq, slopes, TILE, 1, rows_q + q0 * ld_q, ld_q, sums_k, wide, 1,
                 S(behind)(p, h, g, &p->g, nq), (upcoming){0});
      S(product)(width, is_cut ? DEPTH_TO : WHOLE, diagonal, nq, wide, nk, slopes, 1, TILE, rows_k, ld_k,
                 sums_q + q0 * wide, wide, 1, S(behind)(p, h, y, &p->y, nq), (upcoming){0});
    }
    const T scale = (T)p->scale, one = 1;
    S(scaled_rows)(sums_k, wide, &scale, 0, nk, size, dk + k0 * p->dk.time, p->dk.time, p->dk.element);
    S(scaled_rows)(sums_v, wide, &one, 0, nk, size, dv + k0 * p->dv.time, p->dv.time, p->dv.element);
  }
  const T scale = (T)p->scale;
  S(scaled_rows)(sums_q, wide, &scale, 0, p->queries, size, dq, p->dq.time, p->dq.element);
}

#define AT(x) (b * p->x.batch + h * p->x.head)
#define MASK_SIZE (p->mask_is_bool ? 1 : (ptrdiff_t)sizeof(T))

APUS_CLONES(void, S(attention), (const apus_attention *p, const T *q, const T *k, const T *v,
            const uint8_t *mask, T *y, T *log_sums, ptrdiff_t first, ptrdiff_t last, T *room),
            (p, q, k, v, mask, y, log_sums, first, last, room)) {
  const ptrdiff_t tiles = (p->queries + TILE - 1) / TILE, wide = apus_round_up(p->size);
  const int width = block_width(sizeof(T));
  for (ptrdiff_t item = first; item < last; item++) {
    const ptrdiff_t head = item / tiles, b = head / p->heads, h = head % p->heads, q0 = item % tiles * TILE;
    const uint8_t *m = mask ? mask + AT(mask) * MASK_SIZE : NULL;
    T *sums = log_sums + head * p->queries;
    const ptrdiff_t next = is_short(p) && item + 1 < last ? h : -1;
    if (width == 2) {
      S(attend)(2, p, q + AT(q), k + AT(k), v + AT(v), m, y + AT(y), sums, q0, next, wide, room);
    } else {
      S(attend)(1, p, q + AT(q), k + AT(k), v + AT(v), m, y + AT(y), sums, q0, next, wide, room);
    }
  }
}

APUS_CLONES(void, S(attention_grad), (const apus_attention *p, const T *q, const T *k, const T *v,
            const uint8_t *mask, const T *y, const T *log_sums, const T *g, T *dq, T *dk, T *dv,
            ptrdiff_t first, ptrdiff_t last, T *room),
            (p, q, k, v, mask, y, log_sums, g, dq, dk, dv, first, last, room)) {
  const ptrdiff_t wide = apus_round_up(p->size);
  const int width = block_width(sizeof(T));
  for (ptrdiff_t head = first; head < last; head++) {
    const ptrdiff_t b = head / p->heads, h = head % p->heads;
    const uint8_t *m = mask ? mask + AT(mask) * MASK_SIZE : NULL;
    const T *sums = log_sums + head * p->queries;
    const ptrdiff_t next = is_short(p) && head + 1 < last ? h : -1;
    if (width == 2) {
      S(attend_grad)(2, p, q + AT(q), k + AT(k), v + AT(v), m, y + AT(y), sums, g + AT(g), dq + AT(dq), dk + AT(dk),
                     dv + AT(dv), next, wide, room);
    } else {
      S(attend_grad)(1, p, q + AT(q), k + AT(k), v + AT(v), m, y + AT(y), sums, g + AT(g), dq + AT(dq), dk + AT(dk),
                     dv + AT(dv), next, wide, room);
    }
  }
}

#undef AT
#undef MASK_SIZE
#undef LOAD
#undef STORE
