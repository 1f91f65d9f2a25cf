// Strips of products for one level of CPUs; no guard, since it is included once a level, with
//   LEVEL: suffix of names; TARGET: attributes of functions; VECTOR, LANES: a register and its length;
//   HEIGHT: rows of a rectangle; WIDTH: its vectors at most; TALL: rows of a rectangle of fewer vectors, at most 8.
#define JOINED(name, level) name##_##level
#define NAMED(name, level) JOINED(name, level)
#define NAME(name) NAMED(name, LEVEL)

// A rectangle of `height` rows and `width` vectors. What is constant where it is called makes loops of their own.
APUS_INLINE void NAME(rectangle)(const int height, const int width, const int fetches,
                                 const float *a, ptrdiff_t row, ptrdiff_t step, const float *b,
                                 ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t depth,
                                 int add, ptrdiff_t near, const float *next, ptrdiff_t next_row,
                                 const float *next_c) {
  VECTOR sum[TALL][WIDTH];
  APUS_PRAGMA(clang loop unroll(full))
  for (int i = 0; i < height; i++) {
    APUS_PRAGMA(clang loop unroll(full))
    for (int j = 0; j < width; j++) sum[i][j] = 0;
  }
  // The rows that the next rectangle writes are fetched one by one, between pieces of the sum.
  const int pieces = fetches ? height : 1;
  ptrdiff_t k = 0;
  APUS_PRAGMA(clang loop unroll(disable))
  for (int piece = 0; piece < pieces; piece++) {
    const ptrdiff_t end = fetches ? depth * (piece + 1) / height : depth;
    if (fetches) {
      APUS_PRAGMA(clang loop unroll(full))
      for (int j = 0; j < width * LANES; j += 16) __builtin_prefetch(next_c + piece * c_row + j, 1);
    }
    APUS_PRAGMA(clang loop unroll(disable))
    for (; k < end; k++, a += step, b += b_row) {
      VECTOR right[WIDTH];
      APUS_PRAGMA(clang loop unroll(full))
      for (int j = 0; j < width; j++) right[j] = *(const VECTOR *)(b + j * LANES);
      if (fetches) {
        __builtin_prefetch(next, 0, 2);
        next += next_row;
        APUS_PRAGMA(clang loop unroll(full))
        for (int j = 0; j < width * LANES; j += 16) __builtin_prefetch(b + near + j);
      }
      APUS_PRAGMA(clang loop unroll(full))
      for (int i = 0; i < height; i++) {
        const VECTOR left = a[i * row];
        APUS_PRAGMA(clang loop unroll(full))
        for (int j = 0; j < width; j++) sum[i][j] += left * right[j];
      }
    }
  }
  APUS_PRAGMA(clang loop unroll(full))
  for (int i = 0; i < height; i++) {
    APUS_PRAGMA(clang loop unroll(full))
    for (int j = 0; j < width; j++) {
      VECTOR *to = (VECTOR *)(c + i * c_row + j * LANES);
      *to = add ? *to + sum[i][j] : sum[i][j];
    }
  }
}

// Whole rectangles, and the height of the last.
APUS_INLINE void NAME(strip)(const int width, const int fetches, apus_left a, const float *b,
                             ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                             ptrdiff_t depth, int add, const apus_ahead *ahead) {
  const ptrdiff_t near = fetches ? ahead->rows * b_row : 0;
  const int height = width < WIDTH && !a.is_packed ? TALL : HEIGHT;
  ptrdiff_t i = 0;
  for (; i + height <= rows; i += height) {
    const float *next = b;
    ptrdiff_t next_row = 0;
    // Each rectangle fetches one line of every row of what is next.
    const ptrdiff_t line = i / height * 16;
    if (fetches && ahead->next != NULL && line < ahead->next_length) {
      next = ahead->next + line;
      next_row = ahead->next_row;
    }
    float *to = c + i * c_row;
    const float *next_c = i + 2 * height <= rows ? to + height * c_row : to;
    if (a.is_packed) {
      NAME(rectangle)(HEIGHT, width, fetches, a.data + i * depth, 1, HEIGHT, b, b_row, to, c_row,
                      depth, add, near, next, next_row, next_c);
    } else if (a.depth == 1) {
      NAME(rectangle)(width < WIDTH ? TALL : HEIGHT, width, fetches, a.data + i * a.row, a.row, 1, b, b_row, to, c_row,
                      depth, add, near, next, next_row, next_c);
    } else {
      NAME(rectangle)(width < WIDTH ? TALL : HEIGHT, width, fetches, a.data + i * a.row, 1, a.depth, b, b_row, to, c_row,
                      depth, add, near, next, next_row, next_c);
    }
  }
  const ptrdiff_t rest = rows - i;
  if (rest == 0) return;
  const float *from = a.data + i * (a.is_packed ? depth : a.row);
  const ptrdiff_t row = a.is_packed ? 1 : a.row, step = a.is_packed ? rest : a.depth;
#define REST(height)                                                                           \
  case height:                                                                                 \
    if (height < TALL) {                                                                       \
      NAME(rectangle)(height < TALL ? height : 1, width, 0, from, row, step, b, b_row,       \
                      c + i * c_row, c_row, depth, add, 0, NULL, 0, NULL);                     \
    }                                                                                          \
    break;
  switch (rest) { REST(1) REST(2) REST(3) REST(4) REST(5) REST(6) REST(7) }
#undef REST
}

TARGET static void NAME(strip_product)(apus_left a, const float *b, ptrdiff_t b_row, float *c,
                                       ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns,
                                       ptrdiff_t depth, int add, const apus_ahead *ahead) {
#define WIDE(width)                                                                \
  case width:                                                                      \
    if (ahead != NULL) {                                                           \
      NAME(strip)(width, 1, a, b, b_row, c, c_row, rows, depth, add, ahead);       \
    } else {                                                                       \
      NAME(strip)(width, 0, a, b, b_row, c, c_row, rows, depth, add, NULL);        \
    }                                                                              \
    break;
  switch (columns / LANES) {
    WIDE(1)
    WIDE(2)
#if WIDTH == 3
    WIDE(3)
#endif
  }
#undef WIDE
}

TARGET static void NAME(pack_left)(const float *a, ptrdiff_t a_depth, float *packed,
                                   ptrdiff_t rows, ptrdiff_t depth) {
  const ptrdiff_t whole = rows / HEIGHT * HEIGHT, rest = rows - whole;
  for (ptrdiff_t k = 0; k < depth; k++, a += a_depth) {
    for (ptrdiff_t i = 0; i < whole; i += HEIGHT) {
      memcpy(packed + i * depth + k * HEIGHT, a + i, HEIGHT * sizeof(float));
    }
    for (ptrdiff_t i = 0; i < rest; i++) packed[whole * depth + k * rest + i] = a[whole + i];
  }
}

// Rows of b, of which the last vector may reach into the memory of the next ones, but not past `end`.
TARGET static void NAME(pack_rows)(const float *b, ptrdiff_t b_row, const float *end, float *packed,
                                   ptrdiff_t columns, ptrdiff_t depth) {
  const ptrdiff_t whole = columns / LANES * LANES, rest = columns - whole;
  const ptrdiff_t width = rest == 0 ? whole : whole + LANES;
  typedef __attribute__((ext_vector_type(LANES))) int32_t mask;
  mask kept = 0;
  for (ptrdiff_t j = 0; j < rest; j++) kept[j] = -1;
  for (ptrdiff_t k = 0; k < depth; k++, b += b_row, packed += width) {
    for (ptrdiff_t j = 0; j < whole; j += LANES) *(VECTOR *)(packed + j) = *(const VECTOR *)(b + j);
    if (rest == 0) continue;
    if (end - b >= width) {
      *(VECTOR *)(packed + whole) = (VECTOR)(kept & (mask)(*(const VECTOR *)(b + whole)));
    } else {
      for (ptrdiff_t j = whole; j < width; j++) packed[j] = j < columns ? b[j] : 0;
    }
  }
}

#undef JOINED
#undef NAMED
#undef NAME
#undef LEVEL
#undef TARGET
#undef VECTOR
#undef LANES
#undef HEIGHT
#undef WIDTH
#undef TALL
