// Sums and maxima of a row in 16 lanes.
//
// A row is cut into pieces of 16; the end is padded with what changes nothing. Which numbers meet
// in which order depends on the length alone, so every CPU adds in the same order.
#ifndef APUS_LANES_H
#define APUS_LANES_H

#include "kernel.h"

/// Before a loop over lanes that reads under a condition: one masked load where the CPU has it.
/// Left alone, the compiler unrolls it to a branch a lane. (Masked stores are slow on some CPUs.)
#define APUS_MASKED \
  APUS_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(16) unroll(disable))

// Vectors are passed by address: passed by value, the ABI would depend on the clone.
#define APUS_AT(s, p) (*(const apus_vector_##s *)(p))
#define APUS_PUT(s, p, v) (*(apus_vector_##s *)(p) = (v))

// The larger or smaller of vectors; NaN in either argument wins.
#define APUS_LARGER(a, b) ((((a) >= (b)) | ((a) != (a))) ? (a) : (b))
#define APUS_SMALLER(a, b) ((((a) <= (b)) | ((a) != (a))) ? (a) : (b))

/// Defines `name`: the extreme of n elements, `start` if there are none.
#define APUS_ROW_EXTREME(name, s, T, CHOOSE)                                                  \
  APUS_INLINE T name(const T *x, ptrdiff_t n, T start) {                                      \
    apus_vector_##s a = start, b = start;                                                     \
    ptrdiff_t i = 0;                                                                          \
    for (; i + 32 <= n; i += 32) {                                                            \
      const apus_vector_##s u = APUS_AT(s, x + i), v = APUS_AT(s, x + i + 16);                \
      a = CHOOSE(a, u);                                                                       \
      b = CHOOSE(b, v);                                                                       \
    }                                                                                         \
    for (; i + 16 <= n; i += 16) {                                                            \
      const apus_vector_##s u = APUS_AT(s, x + i);                                            \
      a = CHOOSE(a, u);                                                                       \
    }                                                                                         \
    if (i < n) {                                                                              \
      T last[APUS_LANES];                                                                     \
      load_end_##s(x + i, n - i, start, last);                                                \
      const apus_vector_##s u = APUS_AT(s, last);                                             \
      b = CHOOSE(b, u);                                                                       \
    }                                                                                         \
    a = CHOOSE(a, b);                                                                         \
    __typeof__(a.lo) v8 = CHOOSE(a.lo, a.hi);                                                 \
    __typeof__(v8.lo) v4 = CHOOSE(v8.lo, v8.hi);                                              \
    const T p = CHOOSE(v4.x, v4.z), q = CHOOSE(v4.y, v4.w);                                   \
    return CHOOSE(p, q);                                                                      \
  }

#define APUS_LANE_FUNCTIONS(code, s, T)                                                       \
  /* The first `count` < 16 elements of x, then padding. */                                   \
  APUS_INLINE void load_end_##s(const T *x, ptrdiff_t count, T padding, T *lane) {            \
    APUS_MASKED                                                                               \
    for (int j = 0; j < APUS_LANES; j++) lane[j] = j < count ? x[j] : padding;                \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void store_end_##s(T *y, ptrdiff_t count, const T *lane) {                      \
    APUS_SCALAR                                                                               \
    for (ptrdiff_t j = 0; j < count; j++) y[j] = lane[j];                                     \
  }                                                                                           \
                                                                                              \
  APUS_INLINE T add_lanes_##s(const apus_vector_##s *v) {                                     \
    __typeof__(v->lo) v8 = v->lo + v->hi;                                                     \
    __typeof__(v8.lo) v4 = v8.lo + v8.hi;                                                     \
    return (v4.x + v4.z) + (v4.y + v4.w);                                                     \
  }                                                                                           \
                                                                                              \
  /* Sum of n elements: in blocks of 2048, 32 additions a lane, totals in 64 bits. */         \
  APUS_INLINE double row_sum_##s(const T *x, ptrdiff_t n) {                                   \
    double total = 0;                                                                         \
    for (ptrdiff_t i = 0; i < n;) {                                                           \
      const ptrdiff_t end = apus_min(n, i + 2048);                                            \
      apus_vector_##s a = 0, b = 0, c = 0, d = 0;                                             \
      for (; i + 64 <= end; i += 64) {                                                        \
        a += APUS_AT(s, x + i);                                                               \
        b += APUS_AT(s, x + i + 16);                                                          \
        c += APUS_AT(s, x + i + 32);                                                          \
        d += APUS_AT(s, x + i + 48);                                                          \
      }                                                                                       \
      for (; i + 16 <= end; i += 16) a += APUS_AT(s, x + i);                                  \
      if (i < end) {                                                                          \
        T last[APUS_LANES];                                                                   \
        load_end_##s(x + i, end - i, 0, last);                                                \
        b += APUS_AT(s, last);                                                                \
      }                                                                                       \
      i = end;                                                                                \
      a = (a + b) + (c + d);                                                                  \
      total += (double)add_lanes_##s(&a);                                                     \
    }                                                                                         \
    return total;                                                                             \
  }                                                                                           \
                                                                                              \
  /* Sum of the products x[i]·z[i]. */                                                        \
  APUS_INLINE double row_dot_##s(const T *x, const T *z, ptrdiff_t n) {                       \
    double total = 0;                                                                         \
    for (ptrdiff_t i = 0; i < n;) {                                                           \
      const ptrdiff_t end = apus_min(n, i + 1024);                                            \
      apus_vector_##s a = 0, b = 0;                                                           \
      for (; i + 32 <= end; i += 32) {                                                        \
        a += APUS_AT(s, x + i) * APUS_AT(s, z + i);                                           \
        b += APUS_AT(s, x + i + 16) * APUS_AT(s, z + i + 16);                                 \
      }                                                                                       \
      for (; i + 16 <= end; i += 16) a += APUS_AT(s, x + i) * APUS_AT(s, z + i);              \
      if (i < end) {                                                                          \
        T last_x[APUS_LANES], last_z[APUS_LANES];                                             \
        load_end_##s(x + i, end - i, 0, last_x);                                              \
        load_end_##s(z + i, end - i, 0, last_z);                                              \
        b += APUS_AT(s, last_x) * APUS_AT(s, last_z);                                         \
      }                                                                                       \
      i = end;                                                                                \
      a += b;                                                                                 \
      total += (double)add_lanes_##s(&a);                                                     \
    }                                                                                         \
    return total;                                                                             \
  }                                                                                           \
                                                                                              \
  APUS_ROW_EXTREME(row_max_##s, s, T, APUS_LARGER)                                            \
  APUS_ROW_EXTREME(row_min_##s, s, T, APUS_SMALLER)
APUS_FLOATS(APUS_LANE_FUNCTIONS)

#endif
