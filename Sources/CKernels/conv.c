// Unrolling the windows of a convolution into rows of a matrix, and back; biases.
#include "window.h"

// Copies a run of channels. Thin images have short ones, for which a call of memcpy takes longer
// than the copy: up to 32 bytes two moves that may overlap do.
APUS_INLINE void copy_run(void *to, const void *from, size_t bytes) {
#define APUS_TWO_MOVES(size)                                                                  \
  if (bytes >= size && bytes <= 2 * size) {                                                   \
    char first[size], last[size];                                                             \
    memcpy(first, from, size);                                                                \
    memcpy(last, (const char *)from + bytes - size, size);                                    \
    memcpy(to, first, size);                                                                  \
    memcpy((char *)to + bytes - size, last, size);                                            \
    return;                                                                                   \
  }
  APUS_TWO_MOVES(8)
  APUS_TWO_MOVES(16)
  APUS_TWO_MOVES(4)
  memcpy(to, from, bytes);
}

#define APUS_IM2COL(name, T)                                                                  \
  APUS_INLINE void clear_run_##name(T *to, ptrdiff_t count) {                                 \
    APUS_SCALAR                                                                               \
    for (ptrdiff_t i = 0; i < count; i++) to[i] = 0;                                          \
  }                                                                                           \
                                                                                              \
  APUS_INLINE void any_##name(const apus_conv *cv, const T *image, T *col, int p0, int p1) {  \
    if (p0 >= p1) return;                                                                     \
    const ptrdiff_t c = cv->c, row = cv->kw * c, slice = cv->kh * row;                        \
    /* Whether neighbouring taps of a row lie side by side. */                                \
    const int joined = cv->dw == 1 && cv->cs == cv->c;                                        \
    apus_window w = apus_window_at(cv, p0);                                                   \
    const size_t row_bytes = (size_t)row * sizeof(T);                                         \
    for (int p = p0; p < p1; p++, apus_window_next(cv, &w)) {                                 \
      /* Most windows lie inside, and then each of their rows is one run. */                  \
      const int inside = w.ky1 - w.ky0 == cv->kh && w.kx1 - w.kx0 == cv->kw && joined;        \
      for (int kz = 0; kz < cv->kd; kz++) {                                                   \
        if (kz < w.kz0 || kz >= w.kz1) {                                                      \
          clear_run_##name(col, slice);                                                       \
          col += slice;                                                                       \
          continue;                                                                           \
        }                                                                                     \
        if (inside) {                                                                         \
          const T *from = image + apus_tap_offset(cv, &w, kz, 0, 0);                          \
          for (int ky = 0; ky < cv->kh; ky++, col += row, from += cv->dh * cv->w * c) {       \
            copy_run(col, from, row_bytes);                                                   \
          }                                                                                   \
          continue;                                                                           \
        }                                                                                     \
        for (int ky = 0; ky < cv->kh; ky++, col += row) {                                     \
          if (ky < w.ky0 || ky >= w.ky1) {                                                    \
            clear_run_##name(col, row);                                                       \
            continue;                                                                         \
          }                                                                                   \
          clear_run_##name(col, w.kx0 * c);                                                   \
          clear_run_##name(col + w.kx1 * c, row - w.kx1 * c);                                 \
          const int step = joined ? w.kx1 - w.kx0 : 1;                                        \
          for (int kx = w.kx0; kx < w.kx1; kx += step) {                                      \
            const T *from = image + apus_tap_offset(cv, &w, kz, ky, kx);                      \
            copy_run(col + kx * c, from, (size_t)(step * c) * sizeof(T));                     \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  static void name(const apus_conv *cv, const T *image, T *col, int p0, int p1) {             \
    APUS_BY_DEPTH(cv, any_##name, image, col, p0, p1)                                         \
  }
APUS_IM2COL(im2col_1, uint8_t)
APUS_IM2COL(im2col_4, uint32_t)
APUS_IM2COL(im2col_8, uint64_t)

void apus_im2col(int size, const apus_conv *cv, const void *image, void *col, int p0, int p1) {
  switch (size) {
    case 1: im2col_1(cv, image, col, p0, p1); return;
    case 4: im2col_4(cv, image, col, p0, p1); return;
    case 8: im2col_8(cv, image, col, p0, p1); return;
    default: return;
  }
}

#define APUS_COL2IM(code, s, T)                                                               \
  APUS_INLINE void col2im_any_##s(const apus_conv *cv, const T *col, T *image, int p0, int p1) {\
    const ptrdiff_t c = cv->c, row = cv->kw * c;                                              \
    const int joined = cv->dw == 1 && cv->cs == cv->c;                                        \
    if (p0 >= p1) return;                                                                     \
    apus_window w = apus_window_at(cv, p0);                                                   \
    for (int p = p0; p < p1; p++, apus_window_next(cv, &w), col += cv->kd * cv->kh * row) {   \
      const int step = joined ? w.kx1 - w.kx0 : 1;                                            \
      for (int kz = w.kz0; kz < w.kz1; kz++) {                                                \
        for (int ky = w.ky0; ky < w.ky1; ky++) {                                              \
          const T *from = col + (kz * cv->kh + ky) * row;                                     \
          for (int kx = w.kx0; kx < w.kx1; kx += step) {                                      \
            T *to = image + apus_tap_offset(cv, &w, kz, ky, kx);                              \
            const T *run = from + kx * c;                                                     \
            APUS_VECTORIZE                                                                    \
            for (ptrdiff_t i = 0; i < step * c; i++) to[i] += run[i];                         \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }                                                                                           \
                                                                                              \
  APUS_CLONES(void, col2im_##s, (const apus_conv *cv, const T *col, T *image, int p0,         \
              int p1), (cv, col, image, p0, p1)) {                                            \
    APUS_BY_DEPTH(cv, col2im_any_##s, col, image, p0, p1)                                     \
  }
APUS_FLOATS(APUS_COL2IM)

void apus_col2im_add(int dtype, const apus_conv *cv, const void *col, void *image, int p0,
                     int p1) {
  if (dtype == APUS_FLOAT32) col2im_f32(cv, col, image, p0, p1);
  if (dtype == APUS_FLOAT64) col2im_f64(cv, col, image, p0, p1);
}

#define APUS_ADD_BIAS(code, s, T)                                                             \
  APUS_CLONES(void, add_bias_##s, (T *y, const T *bias, int relu, ptrdiff_t rows,             \
              ptrdiff_t columns), (y, bias, relu, rows, columns)) {                           \
    for (ptrdiff_t row = 0; row < rows; row++, y += columns) {                                \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t i = 0; i < columns; i++) {                                               \
        const T sum = y[i] + bias[i];                                                         \
        /* What is not a number stays so, as in the rectifier itself. */                      \
        y[i] = relu && sum < 0 ? 0 : sum;                                                     \
      }                                                                                       \
    }                                                                                         \
  }
APUS_FLOATS(APUS_ADD_BIAS)

void apus_add_bias(int dtype, void *y, const void *bias, int relu, ptrdiff_t rows,
                   ptrdiff_t columns) {
  if (dtype == APUS_FLOAT32) add_bias_f32(y, bias, relu, rows, columns);
  if (dtype == APUS_FLOAT64) add_bias_f64(y, bias, relu, rows, columns);
}
