// Where the windows of a convolution or a pool meet the image.
#ifndef APUS_WINDOW_H
#define APUS_WINDOW_H

#include "kernel.h"

/// Whether images and windows have one slice.
APUS_INLINE int apus_is_flat(const apus_conv *cv) {
  return cv->d == 1 && cv->kd == 1 && cv->pf == 0 && cv->od == 1;
}

/// A window over flat images, with constants where slices are counted: the compiler drops the loops over them, which take
/// a third of the time of small windows.
APUS_INLINE apus_conv apus_flat(const apus_conv *cv) {
  apus_conv flat = *cv;
  flat.d = flat.kd = flat.sd = flat.dd = flat.od = 1;
  flat.pf = 0;
  return flat;
}

/// Calls an inline function of a window and more, apart for flat images.
#define APUS_BY_DEPTH(cv, function, ...)       \
  if (apus_is_flat(cv)) {                      \
    const apus_conv flat = apus_flat(cv);      \
    function(&flat, __VA_ARGS__);              \
  } else {                                     \
    function(cv, __VA_ARGS__);                 \
  }

/// The taps `first ..< last` of a window along one axis whose input lies in `0 ..< extent`, when
/// tap 0 reads `start` and each further tap `dilation` more.
APUS_INLINE void apus_taps(int start, int dilation, int taps, int extent, int *first, int *last) {
  *first = 0;
  *last = taps;
  if (start >= 0 && start + (taps - 1) * dilation < extent) return;  // wholly inside, no division
  int low = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  int high = start >= extent ? 0 : (extent - start + dilation - 1) / dilation;
  *last = high < taps ? high : taps;
  *first = low < *last ? low : *last;
}

/// The clipped window of an output pixel.
typedef struct {
  int oz, oy, ox;                      // the pixel
  int z, y, x;                         // input of tap (0, 0, 0), may lie outside
  int kz0, kz1, ky0, ky1, kx0, kx1;    // taps that lie inside
} apus_window;

/// Moves a window to column `ox` of its row.
APUS_INLINE void apus_window_column(const apus_conv *cv, apus_window *w, int ox) {
  w->ox = ox;
  w->x = ox * cv->sw - cv->pl;
  apus_taps(w->x, cv->dw, cv->kw, cv->w, &w->kx0, &w->kx1);
}

/// Moves a window to the start of row `oy` of its slice.
APUS_INLINE void apus_window_row(const apus_conv *cv, apus_window *w, int oy) {
  w->oy = oy;
  w->y = oy * cv->sh - cv->pt;
  apus_taps(w->y, cv->dh, cv->kh, cv->h, &w->ky0, &w->ky1);
  apus_window_column(cv, w, 0);
}

/// Moves a window to the start of slice `oz`.
APUS_INLINE void apus_window_slice(const apus_conv *cv, apus_window *w, int oz) {
  w->oz = oz;
  w->z = oz * cv->sd - cv->pf;
  apus_taps(w->z, cv->dd, cv->kd, cv->d, &w->kz0, &w->kz1);
  apus_window_row(cv, w, 0);
}

/// Moves a window to the start of row `row`, counted over all slices.
APUS_INLINE void apus_window_row_at(const apus_conv *cv, apus_window *w, int row) {
  apus_window_slice(cv, w, row / cv->oh);
  apus_window_row(cv, w, row % cv->oh);
}

/// The window of output pixel p, counted slice by slice and row by row.
APUS_INLINE apus_window apus_window_at(const apus_conv *cv, int p) {
  apus_window w;
  apus_window_row_at(cv, &w, p / cv->ow);
  apus_window_column(cv, &w, p % cv->ow);
  return w;
}

/// Moves on to the next pixel.
APUS_INLINE void apus_window_next(const apus_conv *cv, apus_window *w) {
  if (w->ox + 1 < cv->ow) {
    apus_window_column(cv, w, w->ox + 1);
  } else if (w->oy + 1 < cv->oh) {
    apus_window_row(cv, w, w->oy + 1);
  } else if (cv->od > 1) {
    apus_window_slice(cv, w, w->oz + 1);
  }
}

/// Whether some taps of a window lie inside.
APUS_INLINE int apus_window_has_taps(const apus_window *w) {
  return w->kz0 < w->kz1 && w->ky0 < w->ky1 && w->kx0 < w->kx1;
}

/// Offset in elements of the input of tap (kz, ky, kx) of a window, which must lie inside.
APUS_INLINE ptrdiff_t apus_tap_offset(const apus_conv *cv, const apus_window *w, int kz, int ky,
                                      int kx) {
  const ptrdiff_t slice = w->z + kz * cv->dd, row = w->y + ky * cv->dh, column = w->x + kx * cv->dw;
  return ((slice * cv->h + row) * cv->w + column) * cv->cs;
}

/// Loops over the taps of a window that lie inside: kz, ky, kx, and the offset of the tap's input.
#define APUS_EACH_TAP(cv, w, offset)                                                            \
  for (int kz = (w)->kz0; kz < (w)->kz1; kz++)                                                  \
    for (int ky = (w)->ky0; ky < (w)->ky1; ky++)                                                \
      for (ptrdiff_t kx = (w)->kx0, offset = apus_tap_offset(cv, w, kz, ky, (w)->kx0);          \
           kx < (w)->kx1; kx++, offset += (ptrdiff_t)(cv)->dw * (cv)->cs)

/// The number of tap (kz, ky, kx), row-major.
APUS_INLINE ptrdiff_t apus_tap(const apus_conv *cv, int kz, int ky, ptrdiff_t kx) {
  return ((ptrdiff_t)kz * cv->kh + ky) * cv->kw + kx;
}

/// Elements of an image.
APUS_INLINE ptrdiff_t apus_image_size(const apus_conv *cv) {
  return (ptrdiff_t)cv->d * cv->h * cv->w * cv->cs;
}

/// Pixels of the output of an image.
APUS_INLINE int apus_output_pixels(const apus_conv *cv) { return cv->od * cv->oh * cv->ow; }

#endif
