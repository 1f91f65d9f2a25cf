// Sorting along an axis.
#include "kernel.h"

// NaN counts as larger than any number, as in NumPy.
#define DEFINE_SORT(code, s, T)                                                                  \
  APUS_INLINE int before_##s(T a, T b, int descending) {                                         \
    if (descending) return a > b || (a != a && b == b);                                          \
    return a < b || (b != b && a == a);                                                          \
  }                                                                                              \
                                                                                                 \
  /* Merges of runs that double: stable, and without recursion. */                               \
  static void sort_##s(const T *x, T *y, int32_t *indices, ptrdiff_t outer, ptrdiff_t n,         \
                       ptrdiff_t inner, int descending, void *scratch) {                         \
    int32_t *order = scratch, *merged = order + n;                                               \
    T *keys = (T *)(merged + n);                                                                 \
    for (ptrdiff_t row = 0; row < outer * inner; row++) {                                        \
      const ptrdiff_t start = row / inner * n * inner + row % inner;                             \
      for (ptrdiff_t i = 0; i < n; i++) {                                                        \
        keys[i] = x[start + i * inner];                                                          \
        order[i] = (int32_t)i;                                                                   \
      }                                                                                          \
      for (ptrdiff_t run = 1; run < n; run *= 2) {                                               \
        for (ptrdiff_t low = 0; low < n; low += 2 * run) {                                       \
          const ptrdiff_t middle = apus_min(low + run, n), high = apus_min(low + 2 * run, n);    \
          ptrdiff_t a = low, b = middle;                                                         \
          for (ptrdiff_t k = low; k < high; k++) {                                               \
            const int takes_second =                                                             \
                a == middle ||                                                                   \
                (b < high && before_##s(keys[order[b]], keys[order[a]], descending));            \
            merged[k] = takes_second ? order[b++] : order[a++];                                  \
          }                                                                                      \
        }                                                                                        \
        int32_t *swapped = order;                                                                \
        order = merged;                                                                          \
        merged = swapped;                                                                        \
      }                                                                                          \
      for (ptrdiff_t i = 0; i < n; i++) {                                                        \
        y[start + i * inner] = keys[order[i]];                                                   \
        indices[start + i * inner] = order[i];                                                   \
      }                                                                                          \
    }                                                                                            \
  }
APUS_NUMBERS(DEFINE_SORT)

ptrdiff_t apus_sort_scratch(ptrdiff_t n) { return n * (ptrdiff_t)(2 * sizeof(int32_t) + 8); }

void apus_sort(int dtype, const void *x, void *y, int32_t *indices, ptrdiff_t outer, ptrdiff_t n,
               ptrdiff_t inner, int descending, void *scratch) {
  switch (dtype) {
#define APUS_CASE(code, s, T) \
  case code: sort_##s(x, y, indices, outer, n, inner, descending, scratch); return;
    APUS_NUMBERS(APUS_CASE)
    default: return;
  }
}
