// Selection between two arrays by a third. Only the size of an element matters.
#include "kernel.h"

#define APUS_SELECT_LOOP(PRAGMA, T, C, A, B) \
  PRAGMA                                     \
  for (ptrdiff_t i = 0; i < n; i++) {        \
    const T u = (A), v = (B);                \
    y[i] = (C) ? u : v;                      \
  }

#define APUS_SELECT(name, T)                                                                  \
  APUS_CLONES(void, name, (const void *pc, ptrdiff_t sc, const void *pa, ptrdiff_t sa,        \
              const void *pb, ptrdiff_t sb, void *py, ptrdiff_t n),                           \
              (pc, sc, pa, sa, pb, sb, py, n)) {                                              \
    const uint8_t *c = pc;                                                                    \
    const T *a = pa, *b = pb;                                                                 \
    T *y = py;                                                                                \
    if (n <= 0) return;                                                                       \
    if (sc == 1 && sa == 1 && sb == 1) {                                                      \
      APUS_SELECT_LOOP(APUS_VECTORIZE, T, c[i], a[i], b[i])                                   \
    } else if (sc == 1 && sa == 1 && sb == 0) {                                               \
      const T b0 = b[0];                                                                      \
      APUS_SELECT_LOOP(APUS_VECTORIZE, T, c[i], a[i], b0)                                     \
    } else if (sc == 1 && sa == 0 && sb == 1) {                                               \
      const T a0 = a[0];                                                                      \
      APUS_SELECT_LOOP(APUS_VECTORIZE, T, c[i], a0, b[i])                                     \
    } else if (sc == 1 && sa == 0 && sb == 0) {                                               \
      const T a0 = a[0], b0 = b[0];                                                           \
      APUS_SELECT_LOOP(APUS_VECTORIZE, T, c[i], a0, b0)                                       \
    } else {                                                                                  \
      APUS_SELECT_LOOP(APUS_SCALAR, T, c[i * sc], a[i * sa], b[i * sb])                       \
    }                                                                                         \
  }
APUS_SELECT(select_1, uint8_t)
APUS_SELECT(select_4, uint32_t)
APUS_SELECT(select_8, uint64_t)

apus_select_fn apus_select(int dtype) {
  switch (apus_dtype_size(dtype)) {
    case 1: return select_1;
    case 4: return select_4;
    case 8: return select_8;
    default: return NULL;
  }
}
