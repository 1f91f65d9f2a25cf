// The loops of elementwise kernels, as macros around an expression.
//
// A cheap expression is left to the compiler's vectoriser, with a loop of its own for the strides
// that occur. An expensive one (a polynomial) runs over blocks of 32: any stride is gathered into a
// block, a short block is padded, and the only code compiled is the vector code; what a number
// becomes then cannot depend on its place.
#ifndef APUS_ELEMENTWISE_H
#define APUS_ELEMENTWISE_H

#include "kernel.h"

#define APUS_BLOCK 32

/// Defines kernel `name`: Y y = EXPR of T u.
#define APUS_UNARY(name, T, Y, EXPR)                                                          \
  APUS_CLONES(void, name, (const void *px, ptrdiff_t sx, void *py, ptrdiff_t n),              \
              (px, sx, py, n)) {                                                              \
    const T *x = px;                                                                          \
    Y *y = py;                                                                                \
    if (sx == 1) {                                                                            \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t i = 0; i < n; i++) {                                                     \
        const T u = x[i];                                                                     \
        y[i] = (Y)(EXPR);                                                                     \
      }                                                                                       \
    } else if (sx == 0 && n > 0) {                                                            \
      const T u = x[0];                                                                       \
      const Y value = (Y)(EXPR);                                                              \
      for (ptrdiff_t i = 0; i < n; i++) y[i] = value;                                         \
    } else {                                                                                  \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t i = 0; i < n; i++) {                                                     \
        const T u = x[i * sx];                                                                \
        y[i] = (Y)(EXPR);                                                                     \
      }                                                                                       \
    }                                                                                         \
  }

/// As `APUS_UNARY` where EXPR calls libm: compiled once, one loop.
#define APUS_UNARY_CALL(name, T, EXPR)                                                        \
  static void name(const void *px, ptrdiff_t sx, void *py, ptrdiff_t n) {                     \
    const T *x = px;                                                                          \
    T *y = py;                                                                                \
    if (sx == 0 && n > 0) {                                                                   \
      const T u = x[0];                                                                       \
      const T value = (EXPR);                                                                 \
      for (ptrdiff_t i = 0; i < n; i++) y[i] = value;                                         \
    } else {                                                                                  \
      for (ptrdiff_t i = 0; i < n; i++) {                                                     \
        const T u = x[i * sx];                                                                \
        y[i] = (EXPR);                                                                        \
      }                                                                                       \
    }                                                                                         \
  }

/// Defines kernel `name`: float y = EXPR of float u, in blocks. Where a block has an element for
/// which BAD(u) holds, all of it is computed with SLOW(u), a call.
#define APUS_UNARY_BLOCKS(name, EXPR, BAD, SLOW)                                              \
  APUS_INLINE void name##_block(const float *x, float *y) {                                   \
    int bad = 0;                                                                              \
    for (int j = 0; j < APUS_BLOCK; j++) {                                                    \
      const float u = x[j];                                                                   \
      (void)u;                                                                                \
      bad |= (BAD);                                                                           \
    }                                                                                         \
    if (bad) {                                                                                \
      for (int j = 0; j < APUS_BLOCK; j++) {                                                  \
        const float u = x[j];                                                                 \
        (void)u;                                                                              \
        y[j] = (SLOW);                                                                        \
      }                                                                                       \
      return;                                                                                 \
    }                                                                                         \
    APUS_VECTORIZE                                                                            \
    for (int j = 0; j < APUS_BLOCK; j++) {                                                    \
      const float u = x[j];                                                                   \
      y[j] = (EXPR);                                                                          \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, name, (const void *px, ptrdiff_t sx, void *py, ptrdiff_t n),              \
              (px, sx, py, n)) {                                                              \
    const float *x = px;                                                                      \
    float *y = py, block[APUS_BLOCK] = {0};                                                   \
    const ptrdiff_t computed = sx == 0 ? apus_min(n, 1) : n;                                  \
    ptrdiff_t i = 0;                                                                          \
    if (sx == 1) {                                                                            \
      for (; i + APUS_BLOCK <= computed; i += APUS_BLOCK) name##_block(x + i, y + i);         \
    }                                                                                         \
    for (; i < computed; i += APUS_BLOCK) {                                                   \
      const ptrdiff_t count = apus_min(APUS_BLOCK, computed - i);                             \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t j = 0; j < count; j++) block[j] = x[(i + j) * sx];                       \
      name##_block(block, block);                                                             \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t j = 0; j < count; j++) y[i + j] = block[j];                              \
    }                                                                                         \
    if (sx == 0) {                                                                            \
      for (i = 1; i < n; i++) y[i] = y[0];                                                    \
    }                                                                                         \
  }

#define APUS_BINARY_LOOP(PRAGMA, T, Y, U, V, EXPR)                                            \
  PRAGMA                                                                                      \
  for (ptrdiff_t i = 0; i < n; i++) {                                                         \
    const T u = (U), v = (V);                                                                 \
    y[i] = (Y)(EXPR);                                                                         \
  }

/// Defines kernel `name`: Y y = EXPR of T u and v.
#define APUS_BINARY(name, T, Y, EXPR)                                                         \
  APUS_CLONES(void, name, (const void *pa, ptrdiff_t sa, const void *pb, ptrdiff_t sb,        \
              void *py, ptrdiff_t n), (pa, sa, pb, sb, py, n)) {                              \
    const T *a = pa, *b = pb;                                                                 \
    Y *y = py;                                                                                \
    if (n <= 0) return;                                                                       \
    if (sa == 1 && sb == 1) {                                                                 \
      APUS_BINARY_LOOP(APUS_VECTORIZE, T, Y, a[i], b[i], EXPR)                                \
    } else if (sa == 1 && sb == 0) {                                                          \
      const T b0 = b[0];                                                                      \
      APUS_BINARY_LOOP(APUS_VECTORIZE, T, Y, a[i], b0, EXPR)                                  \
    } else if (sa == 0 && sb == 1) {                                                          \
      const T a0 = a[0];                                                                      \
      APUS_BINARY_LOOP(APUS_VECTORIZE, T, Y, a0, b[i], EXPR)                                  \
    } else if (sa == 0 && sb == 0) {                                                          \
      const T u = a[0], v = b[0];                                                             \
      const Y value = (Y)(EXPR);                                                              \
      for (ptrdiff_t i = 0; i < n; i++) y[i] = value;                                         \
    } else {                                                                                  \
      APUS_BINARY_LOOP(APUS_SCALAR, T, Y, a[i * sa], b[i * sb], EXPR)                         \
    }                                                                                         \
  }

/// As `APUS_BINARY` where EXPR calls a function or divides integers: compiled once, one loop.
#define APUS_BINARY_CALL(name, T, EXPR)                                                       \
  static void name(const void *pa, ptrdiff_t sa, const void *pb, ptrdiff_t sb, void *py,      \
                   ptrdiff_t n) {                                                             \
    const T *a = pa, *b = pb;                                                                 \
    T *y = py;                                                                                \
    for (ptrdiff_t i = 0; i < n; i++) {                                                       \
      const T u = a[i * sa], v = b[i * sb];                                                   \
      y[i] = (T)(EXPR);                                                                       \
    }                                                                                         \
  }

/// Defines kernel `name`: float y = EXPR of floats u and v, in blocks.
#define APUS_BINARY_BLOCKS(name, EXPR)                                                        \
  APUS_INLINE void name##_block(const float *a, const float *b, float *y) {                   \
    APUS_VECTORIZE                                                                            \
    for (int j = 0; j < APUS_BLOCK; j++) {                                                    \
      const float u = a[j], v = b[j];                                                         \
      y[j] = (EXPR);                                                                          \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, name, (const void *pa, ptrdiff_t sa, const void *pb, ptrdiff_t sb,        \
              void *py, ptrdiff_t n), (pa, sa, pb, sb, py, n)) {                              \
    const float *a = pa, *b = pb;                                                             \
    float *y = py, left[APUS_BLOCK] = {0}, right[APUS_BLOCK] = {0};                           \
    ptrdiff_t i = 0;                                                                          \
    if (sa == 1 && sb == 1) {                                                                 \
      for (; i + APUS_BLOCK <= n; i += APUS_BLOCK) name##_block(a + i, b + i, y + i);         \
    }                                                                                         \
    for (; i < n; i += APUS_BLOCK) {                                                          \
      const ptrdiff_t count = apus_min(APUS_BLOCK, n - i);                                    \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t j = 0; j < count; j++) {                                                 \
        left[j] = a[(i + j) * sa];                                                            \
        right[j] = b[(i + j) * sb];                                                           \
      }                                                                                       \
      name##_block(left, right, left);                                                        \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t j = 0; j < count; j++) y[i + j] = left[j];                               \
    }                                                                                         \
  }

#endif
