// Where the windows of a convolution or a pool meet the image.
#ifndef APUS_WINDOW_H
#define APUS_WINDOW_H

#include "kernel.h"

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
  int oy, ox;                // the pixel
  int y, x;                  // input of tap (0, 0), may lie outside
  int ky0, ky1, kx0, kx1;    // taps that lie inside
} apus_window;

/// Moves a window to column `ox` of its row.
APUS_INLINE void apus_window_column(const apus_conv *cv, apus_window *w, int ox) {
  w->ox = ox;
  w->x = ox * cv->sw - cv->pl;
  apus_taps(w->x, cv->dw, cv->kw, cv->w, &w->kx0, &w->kx1);
}

/// Moves a window to the start of row `oy`.
APUS_INLINE void apus_window_row(const apus_conv *cv, apus_window *w, int oy) {
  w->oy = oy;
  w->y = oy * cv->sh - cv->pt;
  apus_taps(w->y, cv->dh, cv->kh, cv->h, &w->ky0, &w->ky1);
  apus_window_column(cv, w, 0);
}

/// The window of output pixel p, counted row by row.
APUS_INLINE apus_window apus_window_at(const apus_conv *cv, int p) {
  apus_window w;
  apus_window_row(cv, &w, p / cv->ow);
  apus_window_column(cv, &w, p % cv->ow);
  return w;
}

/// Moves on to the next pixel.
APUS_INLINE void apus_window_next(const apus_conv *cv, apus_window *w) {
  if (w->ox + 1 < cv->ow) {
    apus_window_column(cv, w, w->ox + 1);
  } else {
    apus_window_row(cv, w, w->oy + 1);
  }
}

/// Offset in elements of the input of tap (ky, kx) of a window, which must lie inside.
APUS_INLINE ptrdiff_t apus_tap_offset(const apus_conv *cv, const apus_window *w, int ky, int kx) {
  const ptrdiff_t row = w->y + ky * cv->dh, column = w->x + kx * cv->dw;
  return (row * cv->w + column) * cv->c;
}

#endif
