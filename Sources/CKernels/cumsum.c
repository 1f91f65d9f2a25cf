// Running sums.
#include "kernel.h"

// A strip of columns at a time, so that neighbouring sums advance together; A is what they are
// kept in, wide enough for floats and wrapping for integers.
#define APUS_CUMSUM(name, T, A)                                                               \
  static void name(const T *x, T *y, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner,           \
                   int exclusive, int reverse) {                                              \
    enum { strip = 64 };                                                                      \
    A sum[strip];                                                                             \
    const ptrdiff_t step = reverse ? -inner : inner, start = reverse ? (n - 1) * inner : 0;   \
    for (ptrdiff_t o = 0; o < outer; o++, x += n * inner, y += n * inner) {                   \
      if (inner == 1) {                                                                       \
        A total = 0; /* in a register */                                                      \
        for (ptrdiff_t j = 0, at = start; j < n; j++, at += step) {                           \
          const A before = total;                                                             \
          total = before + (A)x[at];                                                          \
          y[at] = (T)(exclusive ? before : total);                                            \
        }                                                                                     \
        continue;                                                                             \
      }                                                                                       \
      for (ptrdiff_t first = 0; first < inner; first += strip) {                              \
        const ptrdiff_t count = apus_min(strip, inner - first);                               \
        for (ptrdiff_t c = 0; c < count; c++) sum[c] = 0;                                     \
        ptrdiff_t at = start + first;                                                         \
        for (ptrdiff_t j = 0; j < n; j++, at += step) {                                       \
          for (ptrdiff_t c = 0; c < count; c++) {                                             \
            const A before = sum[c];                                                          \
            sum[c] = before + (A)x[at + c];                                                   \
            y[at + c] = (T)(exclusive ? before : sum[c]);                                     \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }
APUS_CUMSUM(cumsum_f32, float, double)
APUS_CUMSUM(cumsum_f64, double, double)
APUS_CUMSUM(cumsum_i32, int32_t, uint32_t)
APUS_CUMSUM(cumsum_i64, int64_t, uint64_t)
APUS_CUMSUM(cumsum_u8, uint8_t, uint32_t)

void apus_cumsum(int dtype, const void *x, void *y, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner,
                 int exclusive, int reverse) {
  switch (dtype) {
#define APUS_CASE(code, s, T) \
  case code: cumsum_##s(x, y, outer, n, inner, exclusive, reverse); return;
    APUS_NUMBERS(APUS_CASE)
    default: return;
  }
}
