// Reading and adding by index.
#include "kernel.h"

APUS_INLINE int64_t index_at(const void *idx, int dtype, ptrdiff_t j) {
  switch (dtype) {
    case APUS_INT32: return ((const int32_t *)idx)[j];
    case APUS_UINT8: return ((const uint8_t *)idx)[j];
    default: return ((const int64_t *)idx)[j];
  }
}

// The place an index in [−n, n) names.
APUS_INLINE ptrdiff_t place_at(const void *idx, int dtype, ptrdiff_t j, ptrdiff_t n) {
  const int64_t i = index_at(idx, dtype, j);
  return (ptrdiff_t)(i < 0 ? i + n : i);
}

static ptrdiff_t first_bad(const void *idx, int dtype, ptrdiff_t count, ptrdiff_t n) {
  if (dtype != APUS_INT32 && dtype != APUS_INT64 && dtype != APUS_UINT8) return count > 0 ? 0 : -1;
  for (ptrdiff_t j = 0; j < count; j++) {
    const int64_t i = index_at(idx, dtype, j);
    if (i < -(int64_t)n || i >= (int64_t)n) return j;
  }
  return -1;
}

// A float as an int64 if it is whole and in range. (The comparisons are false for NaN.)
APUS_INLINE int whole_f64(double u, int64_t *i) {
  if (!(u >= -0x1p63 && u < 0x1p63)) return 0;
  *i = (int64_t)u;
  return (double)*i == u;
}
APUS_INLINE int whole_f32(float u, int64_t *i) { return whole_f64(u, i); }
APUS_INLINE int whole_i32(int32_t u, int64_t *i) { return *i = u, 1; }
APUS_INLINE int whole_i64(int64_t u, int64_t *i) { return *i = u, 1; }
APUS_INLINE int whole_u8(uint8_t u, int64_t *i) { return *i = u, 1; }

#define APUS_WHOLE(code, s, T)                                                                \
  static ptrdiff_t whole_numbers_##s(const T *x, int to, void *y, ptrdiff_t n, int64_t first, \
                                     int64_t last) {                                          \
    for (ptrdiff_t j = 0; j < n; j++) {                                                       \
      int64_t i = 0;                                                                          \
      if (!whole_##s(x[j], &i) || i < first || i > last) return j;                            \
      if (to == APUS_INT32) {                                                                 \
        ((int32_t *)y)[j] = (int32_t)i;                                                       \
      } else {                                                                                \
        ((int64_t *)y)[j] = i;                                                                \
      }                                                                                       \
    }                                                                                         \
    return -1;                                                                                \
  }
APUS_NUMBERS(APUS_WHOLE)

ptrdiff_t apus_whole_numbers(int from, const void *x, int to, void *y, ptrdiff_t n, int64_t first,
                             int64_t last) {
  switch (from) {
#define APUS_CASE(code, s, T) \
  case code: return whole_numbers_##s(x, to, y, n, first, last);
    APUS_NUMBERS(APUS_CASE)
#undef APUS_CASE
    default: return n > 0 ? 0 : -1;
  }
}

// Elements of the common sizes without a call for each.
APUS_INLINE void copy_element(void *y, const void *x, int size) {
  switch (size) {
    case 1: memcpy(y, x, 1); return;
    case 4: memcpy(y, x, 4); return;
    case 8: memcpy(y, x, 8); return;
    default: memcpy(y, x, (size_t)size);
  }
}

ptrdiff_t apus_take(int size, const void *x, const void *idx, int idx_dtype, void *y,
                    ptrdiff_t outer, ptrdiff_t n, ptrdiff_t k, ptrdiff_t inner) {
  const ptrdiff_t bad = first_bad(idx, idx_dtype, k, n);
  if (bad >= 0) return bad;
  const ptrdiff_t bytes = inner * size;
  const char *from = x;
  char *to = y;
  for (ptrdiff_t o = 0; o < outer; o++, from += n * bytes) {
    for (ptrdiff_t j = 0; j < k; j++, to += bytes) {
      const char *row = from + place_at(idx, idx_dtype, j, n) * bytes;
      if (inner == 1) {
        copy_element(to, row, size);
      } else {
        memcpy(to, row, (size_t)bytes);
      }
    }
  }
  return -1;
}

ptrdiff_t apus_take_along(int size, const void *x, const void *idx, int idx_dtype, void *y,
                          ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner) {
  const ptrdiff_t bad = first_bad(idx, idx_dtype, outer * inner, n);
  if (bad >= 0) return bad;
  const char *from = x;
  char *to = y;
  for (ptrdiff_t o = 0; o < outer; o++, from += n * inner * size) {
    for (ptrdiff_t i = 0; i < inner; i++, to += size) {
      const ptrdiff_t place = place_at(idx, idx_dtype, o * inner + i, n);
      copy_element(to, from + (place * inner + i) * size, size);
    }
  }
  return -1;
}

#define APUS_SCATTER(s, T, U)                                                                 \
  APUS_CLONES(void, scatter_add_##s, (const T *g, const void *idx, int idx_dtype, T *y,       \
              ptrdiff_t outer, ptrdiff_t n, ptrdiff_t k, ptrdiff_t inner, ptrdiff_t i0,       \
              ptrdiff_t i1), (g, idx, idx_dtype, y, outer, n, k, inner, i0, i1)) {            \
    for (ptrdiff_t o = 0; o < outer; o++, y += n * inner) {                                   \
      for (ptrdiff_t j = 0; j < k; j++, g += inner) {                                         \
        T *row = y + place_at(idx, idx_dtype, j, n) * inner;                                  \
        APUS_VECTORIZE                                                                        \
        for (ptrdiff_t i = i0; i < i1; i++) row[i] = (T)((U)row[i] + (U)g[i]);                \
      }                                                                                       \
    }                                                                                         \
  }
APUS_SCATTER(f32, float, float)
APUS_SCATTER(f64, double, double)
APUS_SCATTER(i32, int32_t, uint32_t)
APUS_SCATTER(i64, int64_t, uint64_t)
APUS_SCATTER(u8, uint8_t, uint32_t)

static void clear(void *y, ptrdiff_t bytes) {
  if (bytes > 0) memset(y, 0, (size_t)bytes);
}

ptrdiff_t apus_scatter_add(int dtype, const void *g, const void *idx, int idx_dtype, void *y,
                           ptrdiff_t outer, ptrdiff_t n, ptrdiff_t k, ptrdiff_t inner, ptrdiff_t i0,
                           ptrdiff_t i1) {
  const ptrdiff_t bad = first_bad(idx, idx_dtype, k, n), size = apus_dtype_size(dtype);
  if (bad >= 0) return bad;
  if (i1 - i0 == inner) {
    clear(y, outer * n * inner * size);
  } else {
    char *row = (char *)y + i0 * size;
    for (ptrdiff_t r = 0; r < outer * n; r++, row += inner * size) clear(row, (i1 - i0) * size);
  }
  switch (dtype) {
#define APUS_CASE(code, s, T) \
  case code: scatter_add_##s(g, idx, idx_dtype, y, outer, n, k, inner, i0, i1); break;
    APUS_NUMBERS(APUS_CASE)
    default: break;
  }
  return -1;
}

ptrdiff_t apus_scatter_along(int dtype, const void *g, const void *idx, int idx_dtype, void *y,
                             ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner) {
  const ptrdiff_t bad = first_bad(idx, idx_dtype, outer * inner, n);
  if (bad >= 0) return bad;
  const int size = apus_dtype_size(dtype);
  clear(y, outer * n * inner * size);
  const char *from = g;
  char *to = y;
  for (ptrdiff_t o = 0; o < outer; o++, to += n * inner * size) {
    for (ptrdiff_t i = 0; i < inner; i++, from += size) {
      const ptrdiff_t place = place_at(idx, idx_dtype, o * inner + i, n);
      copy_element(to + (place * inner + i) * size, from, size);
    }
  }
  return -1;
}

void apus_gather_rows(void *dst, const void *src, size_t row_bytes, const int64_t *rows,
                      ptrdiff_t n) {
  char *to = dst;
  for (ptrdiff_t j = 0; j < n; j++, to += row_bytes) {
    memcpy(to, (const char *)src + (size_t)rows[j] * row_bytes, row_bytes);
  }
}
