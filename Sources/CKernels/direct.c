// Convolutions of images with few channels, without unrolling: the taps of a window are so few that
// their products with a strip of filters stay in registers.
//
// As in block_product.c, the rectangle in registers depends on the CPU, so that levels are written
// out.
#include "block_product.h"

/// Where the cells of a window lie in an image, from its first one.
typedef struct {
  ptrdiff_t depth;
  ptrdiff_t offset[APUS_DIRECT_DEPTH];
} window_cells;

/// Rows and columns that windows reach, padding and unread edges included.
static void padded_size(const apus_conv *cv, int *height, int *width) {
  const int h = (cv->oh - 1) * cv->sh + (cv->kh - 1) * cv->dh + 1;
  const int w = (cv->ow - 1) * cv->sw + (cv->kw - 1) * cv->dw + 1;
  *height = h > cv->h + cv->pt ? h : cv->h + cv->pt;
  *width = w > cv->w + cv->pl ? w : cv->w + cv->pl;
}

ptrdiff_t apus_direct_scratch_size(const apus_conv *cv) {
  int height, width;
  padded_size(cv, &height, &width);
  return height > cv->h || width > cv->w ? (ptrdiff_t)height * width * cv->c : 0;
}

/// The image with zeros around it, in scratch if it needs any, and elements between its rows.
static const float *padded(const apus_conv *cv, const float *image, float *scratch,
                           ptrdiff_t *line) {
  const ptrdiff_t inner = (ptrdiff_t)cv->w * cv->c;
  int height, width;
  padded_size(cv, &height, &width);
  *line = (ptrdiff_t)width * cv->c;
  if (height == cv->h && width == cv->w) return image;
  memset(scratch, 0, (size_t)(height * *line) * sizeof(float));
  for (int y = 0; y < cv->h; y++) {
    float *to = scratch + (y + cv->pt) * *line + (ptrdiff_t)cv->pl * cv->c;
    memcpy(to, image + y * inner, (size_t)inner * sizeof(float));
  }
  return scratch;
}

static window_cells cells_of(const apus_conv *cv, ptrdiff_t line) {
  window_cells cells = {0};
  for (int a = 0; a < cv->kh; a++) {
    for (int b = 0; b < cv->kw; b++) {
      for (int c = 0; c < cv->c; c++) {
        cells.offset[cells.depth++] = a * cv->dh * line + (ptrdiff_t)b * cv->dw * cv->c + c;
      }
    }
  }
  return cells;
}

// `height` neighbouring pixels of the output and `width` vectors of filters.
#define APUS_PIXELS(lanes, height, width)                                                     \
  APUS_INLINE void pixels_##lanes##_##height##_##width(                                       \
      const window_cells *cells, const float *x, ptrdiff_t step, const float *k,              \
      ptrdiff_t filters, const float *bias, int relu, float *y) {                             \
    apus_vector_##lanes sum[height][width];                                                   \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) {                                                       \
        sum[i][j] = 0;                                                                        \
        if (bias) sum[i][j] = *(const apus_vector_##lanes *)(bias + j * lanes);               \
      }                                                                                       \
    }                                                                                         \
    APUS_PRAGMA(clang loop unroll(disable))                                                   \
    for (ptrdiff_t cell = 0; cell < cells->depth; cell++, k += filters) {                     \
      const float *from = x + cells->offset[cell];                                            \
      apus_vector_##lanes right[width];                                                       \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) {                                                       \
        right[j] = *(const apus_vector_##lanes *)(k + j * lanes);                             \
      }                                                                                       \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int i = 0; i < height; i++) {                                                      \
        const apus_vector_##lanes left = from[i * step];                                      \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int j = 0; j < width; j++) sum[i][j] += left * right[j];                         \
      }                                                                                       \
    }                                                                                         \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) {                                                       \
        /* What is not a number stays so, as in the rectifier itself. */                      \
        if (relu) sum[i][j] = sum[i][j] < 0 ? (apus_vector_##lanes)0 : sum[i][j];             \
        *(apus_vector_##lanes *)(y + i * filters + j * lanes) = sum[i][j];                    \
      }                                                                                       \
    }                                                                                         \
  }

// `height` cells of the kernel and `width` vectors of filters, over all pixels of an image.
#define APUS_CELLS(lanes, height, width)                                                      \
  APUS_INLINE void cells_##lanes##_##width(const apus_conv *cv, const window_cells *cells,    \
                                           ptrdiff_t first, const float *x, ptrdiff_t line,   \
                                           const float *g, ptrdiff_t filters, float *dk) {    \
    apus_vector_##lanes sum[height][width];                                                   \
    const float *from[height];                                                                \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      /* Rows beyond the last repeat it, and are dropped. */                                  \
      from[i] = x + cells->offset[apus_min(first + i, cells->depth - 1)];                     \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) sum[i][j] = 0;                                          \
    }                                                                                         \
    const ptrdiff_t step = (ptrdiff_t)cv->sw * cv->c;                                         \
    for (int oy = 0; oy < cv->oh; oy++) {                                                     \
      ptrdiff_t at = (ptrdiff_t)oy * cv->sh * line;                                           \
      for (int ox = 0; ox < cv->ow; ox++, at += step, g += filters) {                         \
        apus_vector_##lanes right[width];                                                     \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int j = 0; j < width; j++) {                                                     \
          right[j] = *(const apus_vector_##lanes *)(g + j * lanes);                           \
        }                                                                                     \
        APUS_PRAGMA(clang loop unroll(full))                                                  \
        for (int i = 0; i < height; i++) {                                                    \
          const apus_vector_##lanes left = from[i][at];                                       \
          APUS_PRAGMA(clang loop unroll(full))                                                \
          for (int j = 0; j < width; j++) sum[i][j] += left * right[j];                       \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
    APUS_PRAGMA(clang loop unroll(full))                                                      \
    for (int i = 0; i < height; i++) {                                                        \
      if (first + i >= cells->depth) continue;                                                \
      float *to = dk + (first + i) * filters;                                                 \
      APUS_PRAGMA(clang loop unroll(full))                                                    \
      for (int j = 0; j < width; j++) *(apus_vector_##lanes *)(to + j * lanes) += sum[i][j];  \
    }                                                                                         \
  }

// One strip of filters: a row of the output in pieces of `height` pixels, the last of which may
// overlap the one before.
#define APUS_ROW_STRIP(lanes, height, width)                                                  \
  for (; f + width * lanes <= filters; f += width * lanes) {                                  \
    const float *strip_bias = bias ? bias + f : 0;                                            \
    if (cv->ow >= height) {                                                                   \
      for (ptrdiff_t ox = 0; ox < cv->ow; ox += height) {                                     \
        const ptrdiff_t at = apus_min(ox, cv->ow - height);                                   \
        pixels_##lanes##_##height##_##width(cells, x + at * step, step, k + f, filters,       \
                                            strip_bias, relu, y + at * filters + f);          \
      }                                                                                       \
    } else {                                                                                  \
      for (ptrdiff_t ox = 0; ox < cv->ow; ox++) {                                             \
        pixels_##lanes##_1_##width(cells, x + ox * step, step, k + f, filters, strip_bias,    \
                                   relu, y + ox * filters + f);                               \
      }                                                                                       \
    }                                                                                         \
  }

#define APUS_CELL_STRIP(lanes, height, width)                                                 \
  for (; f + width * lanes <= f1; f += width * lanes) {                                       \
    for (ptrdiff_t first = 0; first < cells->depth; first += height) {                        \
      cells_##lanes##_##width(cv, cells, first, x, line, g + f, filters, dk + f);             \
    }                                                                                         \
  }

#define APUS_ROW_PARAMETERS                                                                   \
  const apus_conv *cv, const window_cells *cells, const float *x, ptrdiff_t step,             \
      const float *k, ptrdiff_t filters, const float *bias, int relu, float *y
#define APUS_IMAGE_PARAMETERS                                                                 \
  const apus_conv *cv, const window_cells *cells, const float *x, ptrdiff_t line,             \
      const float *g, ptrdiff_t filters, float *dk, ptrdiff_t f, ptrdiff_t f1

APUS_PIXELS(4, 1, 2)
#if defined(__aarch64__)
// NEON has as many registers as AVX-512.
APUS_PIXELS(4, 8, 2)
APUS_CELLS(4, 9, 2)
static void row_baseline(APUS_ROW_PARAMETERS) {
  ptrdiff_t f = 0;
  APUS_ROW_STRIP(4, 8, 2)
}
static void image_baseline(APUS_IMAGE_PARAMETERS) { APUS_CELL_STRIP(4, 9, 2) }
#else
APUS_PIXELS(4, 4, 2)
APUS_CELLS(4, 4, 2)
static void row_baseline(APUS_ROW_PARAMETERS) {
  ptrdiff_t f = 0;
  APUS_ROW_STRIP(4, 4, 2)
}
static void image_baseline(APUS_IMAGE_PARAMETERS) { APUS_CELL_STRIP(4, 4, 2) }
#endif

#if APUS_HAS_CLONES

APUS_PIXELS(8, 4, 2)
APUS_PIXELS(8, 1, 2)
APUS_CELLS(8, 4, 2)
APUS_PIXELS(16, 8, 2)
APUS_PIXELS(16, 1, 2)
APUS_PIXELS(16, 8, 1)
APUS_PIXELS(16, 1, 1)
APUS_CELLS(16, 9, 2)
APUS_CELLS(16, 9, 1)

APUS_V3 static void row_v3(APUS_ROW_PARAMETERS) {
  ptrdiff_t f = 0;
  APUS_ROW_STRIP(8, 4, 2)
}
APUS_V3 static void image_v3(APUS_IMAGE_PARAMETERS) { APUS_CELL_STRIP(8, 4, 2) }

APUS_V4 static void row_v4(APUS_ROW_PARAMETERS) {
  ptrdiff_t f = 0;
  APUS_ROW_STRIP(16, 8, 2)
  APUS_ROW_STRIP(16, 8, 1)
}
APUS_V4 static void image_v4(APUS_IMAGE_PARAMETERS) {
  APUS_CELL_STRIP(16, 9, 2)
  APUS_CELL_STRIP(16, 9, 1)
}

#endif

void apus_direct(const apus_conv *cv, ptrdiff_t filters, const float *x, const float *k,
                 const float *bias, int relu, float *y, ptrdiff_t n0, ptrdiff_t n1,
                 float *scratch) {
  const ptrdiff_t image = (ptrdiff_t)cv->h * cv->w * cv->c;
  void (*row)(APUS_ROW_PARAMETERS) = row_baseline;
#if APUS_HAS_CLONES
  if (apus_cpu_level() == 3) row = row_v3;
  if (apus_cpu_level() == 4) row = row_v4;
#endif
  y += n0 * cv->oh * cv->ow * filters;
  for (ptrdiff_t n = n0; n < n1; n++) {
    ptrdiff_t line;
    const float *from = padded(cv, x + n * image, scratch, &line);
    const window_cells cells = cells_of(cv, line);
    for (int oy = 0; oy < cv->oh; oy++, y += cv->ow * filters) {
      row(cv, &cells, from + (ptrdiff_t)oy * cv->sh * line, (ptrdiff_t)cv->sw * cv->c, k, filters,
          bias, relu, y);
    }
  }
}

void apus_direct_kernel_grad(const apus_conv *cv, ptrdiff_t filters, const float *x,
                             const float *g, ptrdiff_t n0, ptrdiff_t n1, float *dk, ptrdiff_t f0,
                             ptrdiff_t f1, float *scratch) {
  const ptrdiff_t image = (ptrdiff_t)cv->h * cv->w * cv->c, pixels = (ptrdiff_t)cv->oh * cv->ow;
  void (*add)(APUS_IMAGE_PARAMETERS) = image_baseline;
#if APUS_HAS_CLONES
  if (apus_cpu_level() == 3) add = image_v3;
  if (apus_cpu_level() == 4) add = image_v4;
#endif
  for (ptrdiff_t cell = 0; cell < (ptrdiff_t)cv->kh * cv->kw * cv->c; cell++) {
    memset(dk + cell * filters + f0, 0, (size_t)(f1 - f0) * sizeof(float));
  }
  for (ptrdiff_t i = n0; i < n1; i++) {
    ptrdiff_t line;
    const float *from = padded(cv, x + i * image, scratch, &line);
    const window_cells cells = cells_of(cv, line);
    add(cv, &cells, from, line, g + i * pixels * filters, filters, dk, f0, f1);
  }
}
