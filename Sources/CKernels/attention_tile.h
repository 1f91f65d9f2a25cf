// The matrices of a tile of attention for one element type: products, copies, scores. Included once a type, with `T`,
// `S(name)` (the name with the type's suffix), `V` (the vector of 16) and `V4` (one of 4) defined.
//
// Scores are kept transposed, a key a row and a query a lane: maxima and sums over keys then go down the rows, and no
// vector is ever reduced or shuffled. Products are blocks of 4 rows by `width` vectors in registers. Matrices of a
// tile have `TILE` columns, or `wide` (the head size rounded up to lanes).

#define LOAD(p) (*(const V *)(p))
#define STORE(p, v) (*(V *)(p) = (v))

/// Four rows by `width` vectors of c = a · b, or c += a · b. Element (i, k) of a is `rows[i][k · step]`.
APUS_INLINE void S(block)(int width, const T *const *rows, ptrdiff_t step, const T *b, ptrdiff_t ldb, T *c,
                          ptrdiff_t ldc, ptrdiff_t depth, int accumulate) {
  V sum[4][2];
  const T *a0 = rows[0], *a1 = rows[1], *a2 = rows[2], *a3 = rows[3];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < width; j++) sum[i][j] = accumulate ? LOAD(c + i * ldc + j * APUS_LANES) : (V)0;
  }
  for (ptrdiff_t k = 0; k < depth; k++, b += ldb) {
    const V x0 = a0[k * step], x1 = a1[k * step], x2 = a2[k * step], x3 = a3[k * step];
#pragma clang loop unroll(full)
    for (int j = 0; j < width; j++) {
      const V y = LOAD(b + j * APUS_LANES);
      sum[0][j] += x0 * y;
      sum[1][j] += x1 * y;
      sum[2][j] += x2 * y;
      sum[3][j] += x3 * y;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < width; j++) STORE(c + i * ldc + j * APUS_LANES, sum[i][j]);
  }
}

/// The rows of the head behind this one of a tensor, which begin at x in this head; none for `h` < 0.
APUS_INLINE upcoming S(behind)(const apus_attention *p, ptrdiff_t h, const T *x, const apus_attention_strides *s,
                               ptrdiff_t rows) {
  const ptrdiff_t step = h + 1 < p->heads ? s->head : s->batch - h * s->head;
  return (upcoming){(const char *)(x + step), s->time * (ptrdiff_t)sizeof(T), h < 0 ? 0 : rows,
                    p->size * (ptrdiff_t)sizeof(T)};
}

/// The rows of this head of a tensor that will be written.
APUS_INLINE upcoming S(result)(const apus_attention *p, ptrdiff_t h, const T *x, const apus_attention_strides *s,
                               ptrdiff_t rows) {
  return (upcoming){(const char *)x, s->time * (ptrdiff_t)sizeof(T), h < 0 ? 0 : rows,
                    p->size * (ptrdiff_t)sizeof(T)};
}

/// c `[m, n]` = or += a `[m, depth]` · b `[depth, n]`; n is a multiple of the lanes, and c has room for m rounded up
/// to 4. Element (i, k) of a is `a[i · ra + k · ca]`. What `part` leaves out is 0, or is not needed.
APUS_INLINE void S(product)(int width, product_part part, ptrdiff_t diagonal, ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth,
                            const T *a, ptrdiff_t ra, ptrdiff_t ca, const T *b, ptrdiff_t ldb, T *c,
                            ptrdiff_t ldc, int accumulate, upcoming soon, upcoming also) {
  for (ptrdiff_t i = 0; i < m; i += 4) {
    fetch(soon, i);
    fetch(also, i);
    const T *rows[4];
    for (int r = 0; r < 4; r++) rows[r] = a + apus_min(i + r, m - 1) * ra;
    ptrdiff_t j = 0, first = 0, last = depth;
    if (part == COLUMNS_FROM) j = apus_max(0, i + diagonal) / APUS_LANES * APUS_LANES;
    if (part == DEPTH_FROM) first = apus_min(depth, apus_max(0, i + diagonal));
    if (part == DEPTH_TO) last = apus_max(0, apus_min(depth, i + 4 - diagonal));
    for (int r = 0; r < 4; r++) rows[r] += first * ca;
    const T *from = b + first * ldb;
    T *to = c + i * ldc;
    for (; j + width * APUS_LANES <= n; j += width * APUS_LANES) {
      S(block)(width, rows, ca, from + j, ldb, to + j, ldc, last - first, accumulate);
    }
    for (; j < n; j += APUS_LANES) S(block)(1, rows, ca, from + j, ldb, to + j, ldc, last - first, accumulate);
  }
}

/// y `[size, TILE]` = scale · xᵀ for x `[rows, size]`, with zeros from `rows` on.
APUS_INLINE void S(transposed)(const T *x, ptrdiff_t sx, ptrdiff_t element, ptrdiff_t rows, ptrdiff_t size, T scale,
                               T *y) {
  ptrdiff_t r = 0;
  if (element == 1) {
    for (; r + 4 <= rows; r += 4, x += 4 * sx) {
      ptrdiff_t c = 0;
      for (; c + 4 <= size; c += 4) {
        const V4 a = *(const V4 *)(x + c) * scale, b = *(const V4 *)(x + sx + c) * scale;
        const V4 d = *(const V4 *)(x + 2 * sx + c) * scale, e = *(const V4 *)(x + 3 * sx + c) * scale;
        const V4 p = __builtin_shufflevector(a, b, 0, 4, 1, 5), q = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const V4 u = __builtin_shufflevector(d, e, 0, 4, 1, 5), v = __builtin_shufflevector(d, e, 2, 6, 3, 7);
        T *to = y + c * TILE + r;
        *(V4 *)to = __builtin_shufflevector(p, u, 0, 1, 4, 5);
        *(V4 *)(to + TILE) = __builtin_shufflevector(p, u, 2, 3, 6, 7);
        *(V4 *)(to + 2 * TILE) = __builtin_shufflevector(q, v, 0, 1, 4, 5);
        *(V4 *)(to + 3 * TILE) = __builtin_shufflevector(q, v, 2, 3, 6, 7);
      }
      for (; c < size; c++) {
        for (int i = 0; i < 4; i++) y[c * TILE + r + i] = x[i * sx + c] * scale;
      }
    }
  }
  for (; r < rows; r++, x += sx) {
    for (ptrdiff_t c = 0; c < size; c++) y[c * TILE + r] = x[c * element] * scale;
  }
  const ptrdiff_t used = apus_round_up(rows);
  for (ptrdiff_t c = 0; rows < used && c < size; c++) {
    for (ptrdiff_t i = rows; i < used; i++) y[c * TILE + i] = 0;
  }
}

/// x `[rows, size]` with `*ld` between rows and whole vectors to read: x itself if it has them, else a copy in `room`.
APUS_INLINE const T *S(vectors)(const T *x, ptrdiff_t sx, ptrdiff_t element, ptrdiff_t rows, ptrdiff_t size,
                                ptrdiff_t wide, T *room, ptrdiff_t *ld) {
  *ld = sx;
  if (element == 1 && size == wide) return x;
  *ld = wide;
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t c = 0; c < wide; c++) room[r * wide + c] = c < size ? x[r * sx + c * element] : 0;
  }
  return room;
}

/// Rounds n numbers to bfloat16, then multiplies them.
APUS_INLINE void S(round_all)(T *x, ptrdiff_t n, T scale) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) x[i] = S(round)(x[i]) * scale;
}

/// A factor x `[rows, size]` of a product: as `vectors` gives it, or a rounded copy in `room`.
APUS_INLINE const T *S(factor)(const apus_attention *p, const T *x, ptrdiff_t sx, ptrdiff_t element, ptrdiff_t rows,
                               ptrdiff_t size, ptrdiff_t wide, T *room, ptrdiff_t *ld) {
  if (!p->rounds) return S(vectors)(x, sx, element, rows, size, wide, room, ld);
  *ld = wide;
  for (ptrdiff_t r = 0; r < rows; r++, x += sx) {
    T *to = room + r * wide;
    if (element == 1) {
      APUS_VECTORIZE
      for (ptrdiff_t c = 0; c < size; c++) to[c] = S(round)(x[c]);
    } else {
      for (ptrdiff_t c = 0; c < size; c++) to[c] = S(round)(x[c * element]);
    }
    for (ptrdiff_t c = size; c < wide; c++) to[c] = 0;
  }
  return room;
}

/// y `[size, TILE]` = scale · xᵀ as `transposed` gives it, of rounded numbers where the product rounds.
APUS_INLINE void S(transposed_factor)(const apus_attention *p, const T *x, ptrdiff_t sx, ptrdiff_t element,
                                      ptrdiff_t rows, T scale, T *y) {
  S(transposed)(x, sx, element, rows, p->size, p->rounds ? 1 : scale, y);
  for (ptrdiff_t c = 0; p->rounds && c < p->size; c++) S(round_all)(y + c * TILE, apus_round_up(rows), scale);
}

/// y `[rows, size]` = x times a factor a row, or one for all (`step` 0).
APUS_INLINE void S(scaled_rows)(const T *x, ptrdiff_t wide, const T *factor, ptrdiff_t step, ptrdiff_t rows,
                                ptrdiff_t size, T *y, ptrdiff_t sy, ptrdiff_t element) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const T f = factor[r * step];
    if (element == 1) {
      APUS_VECTORIZE
      for (ptrdiff_t c = 0; c < size; c++) y[r * sy + c] = x[r * wide + c] * f;
    } else {
      for (ptrdiff_t c = 0; c < size; c++) y[r * sy + c * element] = x[r * wide + c] * f;
    }
  }
}

/// Scores `[keys, queries]` of a tile, masked ones −infinity. The tile begins at query q0 and key k0; `key` and `element`
/// are the distances between keys and between their numbers.
APUS_INLINE void S(scores)(int width, const apus_attention *p, const T *keys, ptrdiff_t key, ptrdiff_t element,
                           const T *queries, const uint8_t *mask, ptrdiff_t q0, ptrdiff_t nq, ptrdiff_t k0, ptrdiff_t nk, T *y,
                           upcoming soon, upcoming also) {
  const ptrdiff_t diagonal = k0 - q0;
  const int is_cut = p->is_causal && diagonal + nk > 1;
  S(product)(width, is_cut ? COLUMNS_FROM : WHOLE, diagonal, nk, apus_round_up(nq), p->size, keys, key, element,
             queries, TILE, y, TILE, 0, soon, also);
  for (ptrdiff_t j = 0; is_cut && j < nk; j++) {
    const ptrdiff_t first = apus_max(0, j + diagonal);
    if (first >= TILE) break;
    for (ptrdiff_t i = first / APUS_LANES * APUS_LANES; i < first; i++) y[j * TILE + i] = -(T)INFINITY;
  }
  if (!mask) return;
  for (ptrdiff_t j = 0; j < nk; j++) {
    for (ptrdiff_t i = is_cut ? apus_max(0, j + diagonal) : 0; i < nq; i++) {
      const ptrdiff_t at = (q0 + i) * p->mask.time + (k0 + j) * p->mask.element;
      if (p->mask_is_bool) {
        if (!mask[at]) y[j * TILE + i] = -(T)INFINITY;
      } else {
        y[j * TILE + i] += ((const T *)mask)[at];
      }
    }
  }
}
