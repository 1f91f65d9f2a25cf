// Convolutions that give every channel a kernel of its own, and their gradients.
#include "window.h"

// Vectors of channels that stay in registers while the taps of a window are added up.
#define APUS_STRIP 4

#define APUS_DEPTHWISE(code, s, T)                                                            \
  /* One output pixel: strips of channels in registers. */                                    \
  APUS_INLINE void pixel_##s(const apus_conv *cv, const apus_window *w, const T *x,           \
                             const T *k, T *y) {                                              \
    const ptrdiff_t c = cv->c;                                                                \
    ptrdiff_t first = 0;                                                                      \
    for (; first + APUS_STRIP * APUS_LANES <= c; first += APUS_STRIP * APUS_LANES) {          \
      apus_vector_##s sum[APUS_STRIP];                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < APUS_STRIP; j++) sum[j] = 0;                                        \
      APUS_EACH_TAP(cv, w, offset) {                                                          \
        const T *u = x + offset + first;                                                      \
        const T *v = k + apus_tap(cv, kz, ky, kx) * c + first;                                \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int j = 0; j < APUS_STRIP; j++) {                                                \
          sum[j] += *(const apus_vector_##s *)(u + j * APUS_LANES) *                          \
                    *(const apus_vector_##s *)(v + j * APUS_LANES);                           \
        }                                                                                     \
      }                                                                                       \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < APUS_STRIP; j++) {                                                  \
        *(apus_vector_##s *)(y + first + j * APUS_LANES) = sum[j];                            \
      }                                                                                       \
    }                                                                                         \
    for (; first + APUS_LANES <= c; first += APUS_LANES) {                                    \
      apus_vector_##s sum = 0;                                                                \
      APUS_EACH_TAP(cv, w, offset) {                                                          \
        sum += *(const apus_vector_##s *)(x + offset + first) *                               \
               *(const apus_vector_##s *)(k + apus_tap(cv, kz, ky, kx) * c + first);          \
      }                                                                                       \
      *(apus_vector_##s *)(y + first) = sum;                                                  \
    }                                                                                         \
    if (first == c) return;                                                                   \
    for (ptrdiff_t i = first; i < c; i++) y[i] = 0;                                           \
    APUS_EACH_TAP(cv, w, offset) {                                                            \
      const T *u = x + offset;                                                                \
      const T *v = k + apus_tap(cv, kz, ky, kx) * c;                                          \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t i = first; i < c; i++) y[i] += u[i] * v[i];                              \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void forward_any_##s(const apus_conv *cv, const T *x, const T *k, T *y,         \
                                   ptrdiff_t p0, ptrdiff_t p1) {                              \
    if (p0 >= p1) return;                                                                     \
    const ptrdiff_t pixels = apus_output_pixels(cv), image = apus_image_size(cv);             \
    x += p0 / pixels * image;                                                                 \
    y += p0 * cv->c;                                                                          \
    apus_window w = apus_window_at(cv, (int)(p0 % pixels));                                   \
    for (ptrdiff_t p = p0; p < p1; p++, y += cv->c) {                                         \
      pixel_##s(cv, &w, x, k, y);                                                             \
      if ((p + 1) % pixels == 0) {                                                            \
        x += image;                                                                           \
        w = apus_window_at(cv, 0);                                                            \
      } else {                                                                                \
        apus_window_next(cv, &w);                                                             \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, forward_##s, (const apus_conv *cv, const T *x, const T *k, T *y,          \
              ptrdiff_t p0, ptrdiff_t p1), (cv, x, k, y, p0, p1)) {                           \
    APUS_BY_DEPTH(cv, forward_any_##s, x, k, y, p0, p1)                                       \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void input_grad_any_##s(const apus_conv *cv, const T *g, const T *k, T *dx,     \
                                      ptrdiff_t n0, ptrdiff_t n1) {                           \
    const ptrdiff_t pixels = apus_output_pixels(cv), image = apus_image_size(cv), c = cv->c;  \
    if (n0 >= n1 || image == 0) return;                                                       \
    g += n0 * pixels * c;                                                                     \
    dx += n0 * image;                                                                         \
    memset(dx, 0, (size_t)((n1 - n0) * image) * sizeof(T));                                   \
    for (ptrdiff_t n = n0; n < n1; n++, dx += image) {                                        \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (ptrdiff_t p = 0; p < pixels; p++, g += c, apus_window_next(cv, &w)) {              \
        APUS_EACH_TAP(cv, &w, offset) {                                                       \
          T *to = dx + offset;                                                                \
          const T *v = k + apus_tap(cv, kz, ky, kx) * c;                                      \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t i = 0; i < c; i++) to[i] += g[i] * v[i];                             \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, input_grad_##s, (const apus_conv *cv, const T *g, const T *k, T *dx,      \
              ptrdiff_t n0, ptrdiff_t n1), (cv, g, k, dx, n0, n1)) {                          \
    APUS_BY_DEPTH(cv, input_grad_any_##s, g, k, dx, n0, n1)                                   \
  }                                                                                           \
                                                                                              \
  /* The gradient of one tap of channels c0 ..< c1 by `count` neighbouring pixels of a row: sums\
     stay in registers over the row. */                                                       \
  APUS_INLINE void row_grad_##s(const T *x, ptrdiff_t step, const T *g, ptrdiff_t c,          \
                                ptrdiff_t count, T *dk, ptrdiff_t c0, ptrdiff_t c1) {         \
    ptrdiff_t i = c0;                                                                         \
    for (; i + APUS_STRIP * APUS_LANES <= c1; i += APUS_STRIP * APUS_LANES) {                 \
      apus_vector_##s sum[APUS_STRIP];                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < APUS_STRIP; j++) sum[j] = 0;                                        \
      for (ptrdiff_t q = 0; q < count; q++) {                                                 \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int j = 0; j < APUS_STRIP; j++) {                                                \
          sum[j] += *(const apus_vector_##s *)(x + q * step + i + j * APUS_LANES) *           \
                    *(const apus_vector_##s *)(g + q * c + i + j * APUS_LANES);               \
        }                                                                                     \
      }                                                                                       \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < APUS_STRIP; j++) {                                                  \
        *(apus_vector_##s *)(dk + i + j * APUS_LANES) += sum[j];                              \
      }                                                                                       \
    }                                                                                         \
    for (; i + APUS_LANES <= c1; i += APUS_LANES) {                                           \
      apus_vector_##s sum = 0;                                                                \
      for (ptrdiff_t q = 0; q < count; q++) {                                                 \
        sum += *(const apus_vector_##s *)(x + q * step + i) *                                 \
               *(const apus_vector_##s *)(g + q * c + i);                                     \
      }                                                                                       \
      *(apus_vector_##s *)(dk + i) += sum;                                                    \
    }                                                                                         \
    for (; i < c1; i++) {                                                                     \
      T sum = 0;                                                                              \
      APUS_SCALAR                                                                             \
      for (ptrdiff_t q = 0; q < count; q++) sum += x[q * step + i] * g[q * c + i];            \
      dk[i] += sum;                                                                           \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, kernel_grad_##s, (const apus_conv *cv, const T *x, const T *g,            \
              ptrdiff_t n, T *dk, ptrdiff_t c0, ptrdiff_t c1), (cv, x, g, n, dk, c0, c1)) {   \
    const ptrdiff_t image = apus_image_size(cv), c = cv->c;                                   \
    const ptrdiff_t line = cv->ow * c, step = (ptrdiff_t)cv->sw * c;                          \
    for (int tap = 0; tap < cv->kd * cv->kh * cv->kw; tap++) {                                \
      for (ptrdiff_t i = c0; i < c1; i++) dk[tap * c + i] = 0;                                \
    }                                                                                         \
    for (ptrdiff_t i = 0; i < n; i++, x += image) {                                           \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (int row = 0; row < cv->od * cv->oh; row++, g += line) {                            \
        apus_window_row_at(cv, &w, row);                                                      \
        for (int kz = w.kz0; kz < w.kz1; kz++) {                                              \
          for (int ky = w.ky0; ky < w.ky1; ky++) {                                            \
            for (int kx = 0; kx < cv->kw; kx++) {                                             \
              /* Output pixels whose tap kx lies inside. */                                   \
              int first, last;                                                                \
              apus_taps(kx * cv->dw - cv->pl, cv->sw, cv->ow, cv->w, &first, &last);          \
              if (first == last) continue;                                                    \
              apus_window_column(cv, &w, first);                                              \
              row_grad_##s(x + apus_tap_offset(cv, &w, kz, ky, kx), step, g + first * c, c,   \
                           last - first, dk + apus_tap(cv, kz, ky, kx) * c, c0, c1);          \
            }                                                                                 \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }
APUS_FLOATS(APUS_DEPTHWISE)

void apus_depthwise(int dtype, const apus_conv *cv, const void *x, const void *k, void *y,
                    ptrdiff_t p0, ptrdiff_t p1) {
  if (dtype == APUS_FLOAT32) forward_f32(cv, x, k, y, p0, p1);
  if (dtype == APUS_FLOAT64) forward_f64(cv, x, k, y, p0, p1);
}

void apus_depthwise_input_grad(int dtype, const apus_conv *cv, const void *g, const void *k,
                               void *dx, ptrdiff_t n0, ptrdiff_t n1) {
  if (dtype == APUS_FLOAT32) input_grad_f32(cv, g, k, dx, n0, n1);
  if (dtype == APUS_FLOAT64) input_grad_f64(cv, g, k, dx, n0, n1);
}

void apus_depthwise_kernel_grad(int dtype, const apus_conv *cv, const void *x, const void *g,
                                ptrdiff_t n, void *dk, ptrdiff_t c0, ptrdiff_t c1) {
  if (dtype == APUS_FLOAT32) kernel_grad_f32(cv, x, g, n, dk, c0, c1);
  if (dtype == APUS_FLOAT64) kernel_grad_f64(cv, x, g, n, dk, c0, c1);
}
