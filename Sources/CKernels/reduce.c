// Reductions along the middle of [outer, n, inner].
//
// Two shapes of loop. With inner == 1 the numbers of one result are neighbours: lanes along the
// row. Otherwise results are neighbours: a strip of columns is carried down the rows.
#include <float.h>
#include <math.h>

#include "lanes.h"

#define APUS_STRIP 128

/// Defines `name`: ROW gives the result for a row x of n elements; a strip starts with START in
/// accumulators of type A, takes u from each row by `acc = STEP`, and ends as (Y)acc.
#define APUS_REDUCE(name, T, Y, A, ROW, START, STEP)                                          \
  APUS_CLONES(void, name, (const void *px, void *py, ptrdiff_t outer, ptrdiff_t n,            \
              ptrdiff_t inner), (px, py, outer, n, inner)) {                                  \
    const T *x = px;                                                                          \
    Y *y = py;                                                                                \
    if (inner == 1) {                                                                         \
      for (ptrdiff_t o = 0; o < outer; o++, x += n) y[o] = (Y)(ROW);                          \
      return;                                                                                 \
    }                                                                                         \
    A strip[APUS_STRIP];                                                                      \
    for (ptrdiff_t o = 0; o < outer; o++, x += n * inner, y += inner) {                       \
      for (ptrdiff_t first = 0; first < inner; first += APUS_STRIP) {                         \
        const ptrdiff_t count = apus_min(APUS_STRIP, inner - first);                          \
        for (ptrdiff_t c = 0; c < count; c++) strip[c] = (START);                             \
        for (ptrdiff_t j = 0; j < n; j++) {                                                   \
          const T *row = x + j * inner + first;                                               \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t c = 0; c < count; c++) {                                             \
            const A acc = strip[c];                                                           \
            const T u = row[c];                                                               \
            strip[c] = (A)(STEP);                                                             \
          }                                                                                   \
        }                                                                                     \
        for (ptrdiff_t c = 0; c < count; c++) y[first + c] = (Y)strip[c];                     \
      }                                                                                       \
    }                                                                                         \
  }

// MARK: Sums

// Columns of floats: four rows at a time in the float's own type, and every 64 rows into 64 bits.
#define APUS_FLOAT_SUM(code, s, T)                                                            \
  APUS_INLINE void sum_strip_##s(const T *x, T *y, ptrdiff_t n, ptrdiff_t inner,              \
                                 ptrdiff_t count) {                                           \
    double total[APUS_STRIP];                                                                 \
    T part[APUS_STRIP];                                                                       \
    for (ptrdiff_t c = 0; c < count; c++) total[c] = 0;                                       \
    for (ptrdiff_t j = 0; j < n;) {                                                           \
      const ptrdiff_t end = apus_min(n, j + 64);                                              \
      for (ptrdiff_t c = 0; c < count; c++) part[c] = 0;                                      \
      for (; j + 4 <= end; j += 4) {                                                          \
        const T *r0 = x + j * inner, *r1 = r0 + inner, *r2 = r1 + inner, *r3 = r2 + inner;    \
        APUS_VECTORIZE                                                                        \
        for (ptrdiff_t c = 0; c < count; c++) part[c] += (r0[c] + r1[c]) + (r2[c] + r3[c]);   \
      }                                                                                       \
      for (; j < end; j++) {                                                                  \
        const T *row = x + j * inner;                                                         \
        APUS_VECTORIZE                                                                        \
        for (ptrdiff_t c = 0; c < count; c++) part[c] += row[c];                              \
      }                                                                                       \
      for (ptrdiff_t c = 0; c < count; c++) total[c] += part[c];                              \
    }                                                                                         \
    for (ptrdiff_t c = 0; c < count; c++) y[c] = (T)total[c];                                 \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, sum_##s, (const void *px, void *py, ptrdiff_t outer, ptrdiff_t n,         \
              ptrdiff_t inner), (px, py, outer, n, inner)) {                                  \
    const T *x = px;                                                                          \
    T *y = py;                                                                                \
    for (ptrdiff_t o = 0; o < outer; o++, x += n * inner, y += inner) {                       \
      if (inner == 1) {                                                                       \
        *y = (T)row_sum_##s(x, n);                                                            \
        continue;                                                                             \
      }                                                                                       \
      ptrdiff_t first = 0;                                                                    \
      for (; first + APUS_STRIP <= inner; first += APUS_STRIP) {                              \
        sum_strip_##s(x + first, y + first, n, inner, APUS_STRIP);                            \
      }                                                                                       \
      if (first < inner) sum_strip_##s(x + first, y + first, n, inner, inner - first);        \
    }                                                                                         \
  }
APUS_FLOATS(APUS_FLOAT_SUM)

#define APUS_ROW_FOLD(s, T, A, START, STEP)                     \
  APUS_INLINE A fold_##s(const T *x, ptrdiff_t n) {             \
    A acc = (START);                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                         \
      const T u = x[i];                                         \
      acc = (A)(STEP);                                          \
    }                                                           \
    return acc;                                                 \
  }

/// A reduction whose row is a plain fold, for types the vectoriser can reorder by itself.
#define APUS_FOLD(name, T, Y, A, START, STEP) \
  APUS_ROW_FOLD(name, T, A, START, STEP)      \
  APUS_REDUCE(name, T, Y, A, fold_##name(x, n), START, STEP)

APUS_FOLD(sum_i32, int32_t, int32_t, uint32_t, 0, acc + (uint32_t)u)
APUS_FOLD(sum_i64, int64_t, int64_t, uint64_t, 0, acc + (uint64_t)u)
APUS_FOLD(prod_f32, float, float, double, 1, acc *u)
APUS_FOLD(prod_f64, double, double, double, 1, acc *u)
APUS_FOLD(prod_i32, int32_t, int32_t, uint32_t, 1, acc *(uint32_t)u)
APUS_FOLD(prod_i64, int64_t, int64_t, uint64_t, 1, acc *(uint64_t)u)

// MARK: Norms

// Squares of floats are added in 64 bits, where none overflows. Squares of doubles may overflow, or
// vanish: then the numbers are divided by the largest of them first.
#define APUS_NORM_FUNCTIONS(code, s, T)                                                       \
  /* norm = scale · √sum, for n numbers `step` apart. */                                      \
  APUS_INLINE void scaled_squares_##s(const T *x, ptrdiff_t n, ptrdiff_t step, double *scale, \
                                      double *sum) {                                          \
    double largest = 0, total = 0;                                                            \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const double u = fabs((double)x[i * step]);                                             \
      largest = ((largest >= u) | (largest != largest)) ? largest : u;                        \
    }                                                                                         \
    *scale = largest;                                                                         \
    *sum = 1;                                                                                 \
    if (!(largest > 0 && largest <= DBL_MAX)) return; /* zero, infinite or NaN */             \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const double u = (double)x[i * step] / largest;                                         \
      total += u * u;                                                                         \
    }                                                                                         \
    *sum = total;                                                                             \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void squares_##s(const T *x, ptrdiff_t n, double *scale, double *sum) {         \
    double lane[APUS_LANES] = {0};                                                            \
    ptrdiff_t i = 0;                                                                          \
    for (; i + APUS_LANES <= n; i += APUS_LANES) {                                            \
      for (int j = 0; j < APUS_LANES; j++) {                                                  \
        const double u = (double)x[i + j];                                                    \
        lane[j] += u * u;                                                                     \
      }                                                                                       \
    }                                                                                         \
    for (int j = 0; i + j < n; j++) lane[j] += (double)x[i + j] * (double)x[i + j];           \
    for (int width = APUS_LANES / 2; width > 0; width /= 2) {                                 \
      for (int j = 0; j < width; j++) lane[j] += lane[j + width];                             \
    }                                                                                         \
    *scale = 1;                                                                               \
    *sum = lane[0];                                                                           \
    if (sizeof(T) == sizeof(double) && !APUS_SAFE_SQUARES(*sum)) {                            \
      scaled_squares_##s(x, n, 1, scale, sum);                                                \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, norm_##s, (const void *px, void *py, ptrdiff_t outer, ptrdiff_t n,        \
              ptrdiff_t inner), (px, py, outer, n, inner)) {                                  \
    const T *x = px;                                                                          \
    T *y = py;                                                                                \
    double strip[APUS_STRIP], scale, sum;                                                     \
    for (ptrdiff_t o = 0; o < outer; o++, x += n * inner, y += inner) {                       \
      if (inner == 1) {                                                                       \
        squares_##s(x, n, &scale, &sum);                                                      \
        *y = (T)(scale * sqrt(sum));                                                          \
        continue;                                                                             \
      }                                                                                       \
      for (ptrdiff_t first = 0; first < inner; first += APUS_STRIP) {                         \
        const ptrdiff_t count = apus_min(APUS_STRIP, inner - first);                          \
        for (ptrdiff_t c = 0; c < count; c++) strip[c] = 0;                                   \
        for (ptrdiff_t j = 0; j < n; j++) {                                                   \
          const T *row = x + j * inner + first;                                               \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t c = 0; c < count; c++) strip[c] += (double)row[c] * (double)row[c];  \
        }                                                                                     \
        for (ptrdiff_t c = 0; c < count; c++) {                                               \
          scale = 1;                                                                          \
          sum = strip[c];                                                                     \
          if (sizeof(T) == sizeof(double) && !APUS_SAFE_SQUARES(sum)) {                       \
            scaled_squares_##s(x + first + c, n, inner, &scale, &sum);                        \
          }                                                                                   \
          y[first + c] = (T)(scale * sqrt(sum));                                              \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, norm_part_##s, (const void *x, ptrdiff_t n, double *part),                \
              (x, n, part)) {                                                                 \
    squares_##s(x, n, part, part + 1);                                                        \
  }
#define APUS_SAFE_SQUARES(sum) ((sum) > 1e-280 && (sum) < 1e300)
APUS_FLOATS(APUS_NORM_FUNCTIONS)

void apus_norm_part(int dtype, const void *x, ptrdiff_t n, double *part) {
  (dtype == APUS_FLOAT32 ? norm_part_f32 : norm_part_f64)(x, n, part);
}

// MARK: Extremes

#define APUS_FLOAT_EXTREMES(code, s, T)                                                       \
  APUS_REDUCE(max_##s, T, T, T, row_max_##s(x, n, -(T)INFINITY), -(T)INFINITY,                \
              ((acc >= u) | (acc != acc)) ? acc : u)                                          \
  APUS_REDUCE(min_##s, T, T, T, row_min_##s(x, n, (T)INFINITY), (T)INFINITY,                  \
              ((acc <= u) | (acc != acc)) ? acc : u)
APUS_FLOATS(APUS_FLOAT_EXTREMES)

#define APUS_INTEGER_EXTREMES(s, T, LOWEST, HIGHEST)            \
  APUS_FOLD(max_##s, T, T, T, LOWEST, acc > u ? acc : u)        \
  APUS_FOLD(min_##s, T, T, T, HIGHEST, acc < u ? acc : u)
APUS_INTEGER_EXTREMES(i32, int32_t, INT32_MIN, INT32_MAX)
APUS_INTEGER_EXTREMES(i64, int64_t, INT64_MIN, INT64_MAX)
APUS_INTEGER_EXTREMES(u8, uint8_t, 0, UINT8_MAX)
APUS_INTEGER_EXTREMES(b8, uint8_t, 0, 1)

// MARK: Places of extremes

/// Defines `name`: the place of the first u that beats every `best`. A row takes two passes, the
/// extreme (vectors) and the search for it; a strip carries values and places down the rows.
#define APUS_ARG(name, T, EXTREME, BEATS)                                                     \
  APUS_INLINE int32_t find_##name(const T *x, ptrdiff_t n) {                                  \
    if (n <= 0) return 0;                                                                     \
    const T best = (EXTREME);                                                                 \
    ptrdiff_t j = 0;                                                                          \
    if (best != best) {                                                                       \
      while (x[j] == x[j]) j++;                                                               \
    } else {                                                                                  \
      while (x[j] != best) j++;                                                               \
    }                                                                                         \
    return (int32_t)j;                                                                        \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, name, (const void *px, void *py, ptrdiff_t outer, ptrdiff_t n,            \
              ptrdiff_t inner), (px, py, outer, n, inner)) {                                  \
    const T *x = px;                                                                          \
    int32_t *y = py;                                                                          \
    if (inner == 1) {                                                                         \
      for (ptrdiff_t o = 0; o < outer; o++, x += n) y[o] = find_##name(x, n);                 \
      return;                                                                                 \
    }                                                                                         \
    T strip[APUS_STRIP];                                                                      \
    for (ptrdiff_t o = 0; o < outer; o++, x += n * inner, y += inner) {                       \
      for (ptrdiff_t first = 0; first < inner; first += APUS_STRIP) {                         \
        const ptrdiff_t count = apus_min(APUS_STRIP, inner - first);                          \
        int32_t *place = y + first;                                                           \
        for (ptrdiff_t c = 0; c < count; c++) place[c] = 0;                                   \
        if (n > 0) memcpy(strip, x + first, (size_t)count * sizeof(T));                       \
        for (ptrdiff_t j = 1; j < n; j++) {                                                   \
          const T *row = x + j * inner + first;                                               \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t c = 0; c < count; c++) {                                             \
            const T best = strip[c], u = row[c];                                              \
            const int beats = (BEATS);                                                        \
            strip[c] = beats ? u : best;                                                      \
            place[c] = beats ? (int32_t)j : place[c];                                         \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }

#define APUS_FLOAT_ARGS(code, s, T)                                                           \
  APUS_ARG(argmax_##s, T, row_max_##s(x, n, -(T)INFINITY),                                    \
           (u > best) | ((u != u) & (best == best)))                                          \
  APUS_ARG(argmin_##s, T, row_min_##s(x, n, (T)INFINITY),                                     \
           (u < best) | ((u != u) & (best == best)))
APUS_FLOATS(APUS_FLOAT_ARGS)

#define APUS_INTEGER_ARGS(code, s, T)                                \
  APUS_ARG(argmax_##s, T, fold_max_##s(x, n), u > best)              \
  APUS_ARG(argmin_##s, T, fold_min_##s(x, n), u < best)
APUS_INTEGERS(APUS_INTEGER_ARGS)

// MARK: Truth

#define APUS_TRUTH(code, s, T)                                  \
  APUS_FOLD(any_##s, T, uint8_t, uint8_t, 0, acc | (u != 0))    \
  APUS_FOLD(all_##s, T, uint8_t, uint8_t, 1, acc &(u != 0))
APUS_NUMBERS(APUS_TRUTH)

#define APUS_WIDE(name)                                                                \
  [APUS_FLOAT32] = name##_f32, [APUS_FLOAT64] = name##_f64, [APUS_INT32] = name##_i32, \
  [APUS_INT64] = name##_i64

static const apus_reduce_fn table[APUS_NORM + 1][APUS_BOOL + 1] = {
    [APUS_SUM] = {APUS_WIDE(sum)},
    [APUS_PROD] = {APUS_WIDE(prod)},
    [APUS_RMAX] = {APUS_WIDE(max), [APUS_UINT8] = max_u8, [APUS_BOOL] = max_b8},
    [APUS_RMIN] = {APUS_WIDE(min), [APUS_UINT8] = min_u8, [APUS_BOOL] = min_b8},
    [APUS_ARGMAX] = {APUS_WIDE(argmax), [APUS_UINT8] = argmax_u8, [APUS_BOOL] = argmax_u8},
    [APUS_ARGMIN] = {APUS_WIDE(argmin), [APUS_UINT8] = argmin_u8, [APUS_BOOL] = argmin_u8},
    [APUS_ANY] = {APUS_WIDE(any), [APUS_UINT8] = any_u8, [APUS_BOOL] = any_u8},
    [APUS_ALL] = {APUS_WIDE(all), [APUS_UINT8] = all_u8, [APUS_BOOL] = all_u8},
    [APUS_NORM] = {[APUS_FLOAT32] = norm_f32, [APUS_FLOAT64] = norm_f64},
};

apus_reduce_fn apus_reduce(apus_reduce_op op, int dtype) {
  if ((unsigned)op > APUS_NORM || (unsigned)dtype > APUS_BOOL) return NULL;
  return table[op][dtype];
}

void apus_column_sums(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols) {
  const apus_reduce_fn sum = apus_reduce(APUS_SUM, dtype);
  if (sum) sum(x, y, 1, rows, cols);
}
