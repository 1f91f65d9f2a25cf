// Maxima and means over windows of images, and their gradients.
#include <math.h>

#include "window.h"

// Channels are walked innermost, one strip at a time so that values and places stay in registers or
// the first-level cache.
#define APUS_CHANNELS 64

// Sixteen channels of one window: values and places stay in registers.
APUS_INLINE void maxpool_lanes_f32(const apus_conv *cv, const apus_window *w, const float *x,
                                   ptrdiff_t channel, float *y, int32_t *arg) {
  typedef APUS_VECTOR(int32_t) places;
  const places lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const ptrdiff_t start = apus_tap_offset(cv, w, w->kz0, w->ky0, w->kx0);
  x += channel;
  apus_vector_f32 best = *(const apus_vector_f32 *)(x + start);
  places place = lanes + (int32_t)start;
  APUS_EACH_TAP(cv, w, offset) {
    const apus_vector_f32 other = *(const apus_vector_f32 *)(x + offset);
    const places beats = ~(other <= best) & (best == best);
    best = beats ? other : best;
    place = beats ? lanes + (int32_t)offset : place;
  }
  *(apus_vector_f32 *)y = best;
  if (arg) *(places *)arg = place + (int32_t)channel;
}

#define APUS_WHOLE_LANES                                                                      \
  if (apus_window_has_taps(&w)) {                                                             \
    for (; first + APUS_LANES <= c; first += APUS_LANES, y += APUS_LANES) {                   \
      maxpool_lanes_f32(cv, &w, x, first, y, arg);                                            \
      if (arg) arg += APUS_LANES;                                                             \
    }                                                                                         \
  }

#define APUS_MAXPOOL(s, T, LOWEST, LANES)                                                     \
  APUS_INLINE void maxpool_any_##s(const apus_conv *cv, const T *x, T *y, int32_t *arg,       \
                                   ptrdiff_t n) {                                             \
    const ptrdiff_t c = cv->c, image = apus_image_size(cv);                                   \
    T best[APUS_CHANNELS];                                                                    \
    int32_t place[APUS_CHANNELS];                                                             \
    for (ptrdiff_t i = 0; i < n; i++, x += image) {                                           \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (int p = 0; p < apus_output_pixels(cv); p++, apus_window_next(cv, &w)) {            \
        ptrdiff_t first = 0;                                                                  \
        LANES                                                                                 \
        for (; first < c; first += APUS_CHANNELS) {                                           \
          const ptrdiff_t count = apus_min(APUS_CHANNELS, c - first);                         \
          for (ptrdiff_t k = 0; k < count; k++) {                                             \
            best[k] = (LOWEST);                                                               \
            place[k] = -1;                                                                    \
          }                                                                                   \
          APUS_EACH_TAP(cv, &w, offset) {                                                     \
            const T *u = x + offset + first;                                                  \
            APUS_VECTORIZE                                                                    \
            for (ptrdiff_t k = 0; k < count; k++) {                                           \
              const T a = best[k], b = u[k];                                                  \
              const int beats = (b > a) | ((b != b) & (a == a)) | (place[k] < 0);             \
              best[k] = beats ? b : a;                                                        \
              place[k] = beats ? (int32_t)(offset + first + k) : place[k];                    \
            }                                                                                 \
          }                                                                                   \
          memcpy(y, best, (size_t)count * sizeof(T));                                         \
          y += count;                                                                         \
          if (arg) {                                                                          \
            memcpy(arg, place, (size_t)count * sizeof(int32_t));                              \
            arg += count;                                                                     \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, maxpool_##s, (const apus_conv *cv, const T *x, T *y, int32_t *arg,        \
              ptrdiff_t n), (cv, x, y, arg, n)) {                                             \
    APUS_BY_DEPTH(cv, maxpool_any_##s, x, y, arg, n)                                          \
  }
APUS_MAXPOOL(f32, float, -INFINITY, APUS_WHOLE_LANES)
APUS_MAXPOOL(f64, double, -(double)INFINITY, )
APUS_MAXPOOL(i32, int32_t, INT32_MIN, )
APUS_MAXPOOL(i64, int64_t, INT64_MIN, )
APUS_MAXPOOL(u8, uint8_t, 0, )

void apus_maxpool(int dtype, const apus_conv *cv, const void *x, void *y, int32_t *arg,
                  ptrdiff_t n) {
  switch (dtype) {
#define APUS_CASE(code, s, T) \
  case code: maxpool_##s(cv, x, y, arg, n); return;
    APUS_NUMBERS(APUS_CASE)
    default: return;
  }
}

/// Whether windows cut the image into equal pieces.
APUS_INLINE int covers_image(const apus_conv *cv) {
  return cv->sd == cv->kd && cv->sh == cv->kh && cv->sw == cv->kw && cv->dd == 1 && cv->dh == 1 &&
         cv->dw == 1 && cv->pf == 0 && cv->pt == 0 && cv->pl == 0 && cv->od * cv->kd == cv->d &&
         cv->oh * cv->kh == cv->h && cv->ow * cv->kw == cv->w;
}

#define APUS_POOL_GRADIENTS(code, s, T)                                                       \
  /* Windows side by side, and nothing around them: every cell is written once. */            \
  APUS_INLINE void place_any_##s(const apus_conv *cv, const T *g, const int32_t *arg, T *dx,  \
                                 ptrdiff_t n) {                                               \
    const ptrdiff_t c = cv->c, image = apus_image_size(cv);                                   \
    const int pixels = apus_output_pixels(cv);                                                \
    for (ptrdiff_t i = 0; i < n; i++, dx += image) {                                          \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (int p = 0; p < pixels; p++, g += c, arg += c, apus_window_next(cv, &w)) {          \
        APUS_EACH_TAP(cv, &w, offset) {                                                       \
          T *to = dx + offset;                                                                \
          const int32_t cell = (int32_t)offset;                                               \
          APUS_VECTORIZE                                                                      \
          for (int32_t k = 0; k < (int32_t)c; k++) to[k] = arg[k] == cell + k ? g[k] : 0;     \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, pool_place_##s, (const apus_conv *cv, const T *g, const int32_t *arg,     \
              T *dx, ptrdiff_t n), (cv, g, arg, dx, n)) {                                     \
    APUS_BY_DEPTH(cv, place_any_##s, g, arg, dx, n)                                           \
  }                                                                                           \
                                                                                              \
  static void pool_scatter_##s(const apus_conv *cv, const T *g, const int32_t *arg, T *dx,    \
                               ptrdiff_t n) {                                                 \
    if (covers_image(cv)) {                                                                   \
      pool_place_##s(cv, g, arg, dx, n);                                                      \
      return;                                                                                 \
    }                                                                                         \
    const ptrdiff_t out = (ptrdiff_t)apus_output_pixels(cv) * cv->c;                          \
    const ptrdiff_t image = apus_image_size(cv);                                              \
    if (n * image > 0) memset(dx, 0, (size_t)(n * image) * sizeof(T));                        \
    for (ptrdiff_t i = 0; i < n; i++, g += out, arg += out, dx += image) {                    \
      for (ptrdiff_t p = 0; p < out; p++) {                                                   \
        if (arg[p] >= 0) dx[arg[p]] += g[p];                                                  \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  static void pool_gather_##s(const apus_conv *cv, const T *dx, const int32_t *arg, T *g,     \
                              ptrdiff_t n) {                                                  \
    const ptrdiff_t out = (ptrdiff_t)apus_output_pixels(cv) * cv->c;                          \
    const ptrdiff_t image = apus_image_size(cv);                                              \
    for (ptrdiff_t i = 0; i < n; i++, g += out, arg += out, dx += image) {                    \
      for (ptrdiff_t p = 0; p < out; p++) g[p] = arg[p] >= 0 ? dx[arg[p]] : 0;                \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_INLINE T share_##s(const apus_window *w) {                                             \
    const int cells = (w->kz1 - w->kz0) * (w->ky1 - w->ky0) * (w->kx1 - w->kx0);              \
    return cells > 0 ? (T)1 / (T)cells : 0;                                                   \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, avgpool_##s, (const apus_conv *cv, const T *x, T *y, ptrdiff_t n),        \
              (cv, x, y, n)) {                                                                \
    const ptrdiff_t c = cv->c, image = apus_image_size(cv);                                   \
    for (ptrdiff_t i = 0; i < n; i++, x += image) {                                           \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (int p = 0; p < apus_output_pixels(cv); p++, y += c, apus_window_next(cv, &w)) {    \
        const T share = share_##s(&w);                                                        \
        for (ptrdiff_t k = 0; k < c; k++) y[k] = 0;                                           \
        APUS_EACH_TAP(cv, &w, offset) {                                                       \
          const T *u = x + offset;                                                            \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t k = 0; k < c; k++) y[k] += u[k];                                     \
        }                                                                                     \
        APUS_VECTORIZE                                                                        \
        for (ptrdiff_t k = 0; k < c; k++) y[k] *= share;                                      \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void spread_any_##s(const apus_conv *cv, const T *g, T *dx, ptrdiff_t n) {      \
    const ptrdiff_t c = cv->c, image = apus_image_size(cv);                                   \
    if (n * image > 0) memset(dx, 0, (size_t)(n * image) * sizeof(T));                        \
    for (ptrdiff_t i = 0; i < n; i++, dx += image) {                                          \
      apus_window w = apus_window_at(cv, 0);                                                  \
      for (int p = 0; p < apus_output_pixels(cv); p++, g += c, apus_window_next(cv, &w)) {    \
        const T share = share_##s(&w);                                                        \
        APUS_EACH_TAP(cv, &w, offset) {                                                       \
          T *u = dx + offset;                                                                 \
          APUS_VECTORIZE                                                                      \
          for (ptrdiff_t k = 0; k < c; k++) u[k] += g[k] * share;                             \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, avgpool_grad_##s, (const apus_conv *cv, const T *g, T *dx, ptrdiff_t n),  \
              (cv, g, dx, n)) {                                                               \
    APUS_BY_DEPTH(cv, spread_any_##s, g, dx, n)                                               \
  }
APUS_FLOATS(APUS_POOL_GRADIENTS)

void apus_pool_scatter(int dtype, const apus_conv *cv, const void *g, const int32_t *arg, void *dx,
                       ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) pool_scatter_f32(cv, g, arg, dx, n);
  if (dtype == APUS_FLOAT64) pool_scatter_f64(cv, g, arg, dx, n);
}

void apus_pool_gather(int dtype, const apus_conv *cv, const void *dx, const int32_t *arg, void *g,
                      ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) pool_gather_f32(cv, dx, arg, g, n);
  if (dtype == APUS_FLOAT64) pool_gather_f64(cv, dx, arg, g, n);
}

void apus_avgpool(int dtype, const apus_conv *cv, const void *x, void *y, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) avgpool_f32(cv, x, y, n);
  if (dtype == APUS_FLOAT64) avgpool_f64(cv, x, y, n);
}

void apus_avgpool_grad(int dtype, const apus_conv *cv, const void *g, void *dx, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) avgpool_grad_f32(cv, g, dx, n);
  if (dtype == APUS_FLOAT64) avgpool_grad_f64(cv, g, dx, n);
}
