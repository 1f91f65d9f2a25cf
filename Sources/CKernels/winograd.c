// Convolutions with a 3x3 kernel by Winograd's minimal filtering F(4x4, 3x3), and both gradients.
//
// An output tile of 4x4 needs an input tile of 6x6. Both are seen as values of polynomials at six
// points in each direction, where the convolution is a product point by point: 36 multiplications
// instead of 144. Over channels and filters these are 36 products of matrices. The forward
// transform is y = Aᵀ[(G k Gᵀ) ⊙ (Bᵀ x B)]A; the gradients are its transposes, so that they need
// the same tiles: ∂x = B[(G k Gᵀ) ⊙ (A ∂y Aᵀ)]Bᵀ, ∂k = Gᵀ[(Bᵀ x B) ⊙ (A ∂y Aᵀ)]G.
//
// See Winograd, *Arithmetic Complexity of Computations* (1980); Lavin, Gray, "Fast Algorithms for
// Convolutional Neural Networks" (2016), arXiv:1509.09308; Barabasz et al., "Error Analysis and
// Improving the Accuracy of Winograd Convolution" (2020), arXiv:1803.10986.
#include "block_product.h"
#include "winograd_tiles.h"

// Columns of a transformed kernel that lie together.
#define APUS_PANEL 32
// A rectangle of the kernel's gradient, in channels and filters, and the tiles added at a time.
#define APUS_GRADIENT_CHANNELS 32
#define APUS_GRADIENT_FILTERS 64
#define APUS_GRADIENT_TILES 32
// Bytes of transformed tiles that stay in the second-level cache beside a part of the kernel.
#define APUS_BLOCK_BYTES (600 << 10)

// MARK: Kernels

APUS_CLONES(void, transform_kernel, (const float *k, ptrdiff_t channels, ptrdiff_t filters,
            int transposed, float *u, ptrdiff_t r0, ptrdiff_t r1),
            (k, channels, filters, transposed, u, r0, r1)) {
  const ptrdiff_t rows = transposed ? filters : channels, columns = transposed ? channels : filters;
  const ptrdiff_t row_step = transposed ? 1 : filters, column_step = transposed ? filters : 1;
  const ptrdiff_t plane = rows * whole_lanes(columns);
  for (ptrdiff_t row = r0; row < r1; row++) {
    for (ptrdiff_t column = 0; column < columns; column += APUS_LANES) {
      const ptrdiff_t lanes = apus_min(APUS_LANES, columns - column);
      vec half[6][3];
      for (int b = 0; b < 3; b++) {
        vec cells[3], p[6];
        for (int a = 0; a < 3; a++) {
          const float *from =
              k + (a * 3 + b) * channels * filters + row * row_step + column * column_step;
          if (column_step == 1) {
            load_some(&cells[a], from, lanes);
          } else {
            float line[APUS_LANES] = {0};
            for (ptrdiff_t i = 0; i < lanes; i++) line[i] = from[i * column_step];
            cells[a] = *(const vec *)line;
          }
        }
        kernel_to_points(cells, p);
        for (int a = 0; a < 6; a++) half[a][b] = p[a];
      }
      const ptrdiff_t panel = column / APUS_PANEL * APUS_PANEL;
      const ptrdiff_t width = apus_min(APUS_PANEL, whole_lanes(columns) - panel);
      float *to = u + panel * rows + row * width + (column - panel);
      for (int a = 0; a < 6; a++) {
        vec p[6];
        kernel_to_points(half[a], p);
        for (int b = 0; b < 6; b++, to += plane) *(vec *)to = p[b];
      }
    }
  }
}

void apus_winograd_kernel(const float *k, ptrdiff_t channels, ptrdiff_t filters, int transposed,
                          float *u, ptrdiff_t r0, ptrdiff_t r1) {
  transform_kernel(k, channels, filters, transposed, u, r0, r1);
}

/// Writes Gᵀ u G for `rows` channels and filters `0 ..< columns` of the kernel.
APUS_CLONES(void, transform_kernel_gradient, (const float *u, ptrdiff_t width, ptrdiff_t plane,
            ptrdiff_t rows, ptrdiff_t columns, float *dk, ptrdiff_t filters, ptrdiff_t tap),
            (u, width, plane, rows, columns, dk, filters, tap)) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    for (ptrdiff_t column = 0; column < columns; column += APUS_LANES) {
      const ptrdiff_t lanes = apus_min(APUS_LANES, columns - column);
      const float *from = u + row * width + column;
      vec half[3][6];
      for (int b = 0; b < 6; b++, from += plane) {
        vec p[6], r[3];
        for (int a = 0; a < 6; a++) p[a] = *(const vec *)(from + a * 6 * plane);
        points_to_kernel(p, r);
        for (int a = 0; a < 3; a++) half[a][b] = r[a];
      }
      for (int a = 0; a < 3; a++) {
        vec r[3];
        points_to_kernel(half[a], r);
        float *to = dk + a * 3 * tap + row * filters + column;
        for (int b = 0; b < 3; b++) store_some(to + b * tap, &r[b], lanes);
      }
    }
  }
}

// MARK: Convolution and gradients

// One row of a matrix more between points keeps their first lines from sharing a set of the cache.
APUS_INLINE ptrdiff_t plane_of(ptrdiff_t tiles, ptrdiff_t width) {
  return tiles * width + APUS_LANES;
}

/// Tiles transformed at a time: what stays in the second-level cache beside a part of the kernel,
/// but enough of them that reading the kernel is worth it.
APUS_INLINE ptrdiff_t block_tiles(ptrdiff_t channels, ptrdiff_t filters) {
  const ptrdiff_t tile = APUS_POINTS * (whole_lanes(channels) + whole_lanes(filters));
  const ptrdiff_t fitting = APUS_BLOCK_BYTES / (tile * (ptrdiff_t)sizeof(float));
  const ptrdiff_t whole = fitting / APUS_PRODUCT_ROWS * APUS_PRODUCT_ROWS;
  return whole < 32 ? 32 : whole > 128 ? 128 : whole;
}

/// The 36 products `[tiles, depth] · [depth, columns]` with a transformed kernel.
static void multiply_points(const float *left, ptrdiff_t left_width, ptrdiff_t left_plane,
                            const float *u, ptrdiff_t depth, ptrdiff_t columns, float *result,
                            ptrdiff_t result_plane, ptrdiff_t tiles) {
  const ptrdiff_t rows = (tiles + APUS_PRODUCT_ROWS - 1) / APUS_PRODUCT_ROWS * APUS_PRODUCT_ROWS;
  for (int point = 0; point < APUS_POINTS; point++) {
    const apus_left a = {left + point * left_plane, left_width, 1, 0};
    for (ptrdiff_t panel = 0; panel < columns; panel += APUS_PANEL) {
      const ptrdiff_t width = apus_min(APUS_PANEL, columns - panel);
      apus_block_product(a, u + (point * columns + panel) * depth, width,
                         result + point * result_plane + panel, columns, rows, width, depth, 0);
    }
  }
}

ptrdiff_t apus_winograd_tiles(const apus_conv *cv) {
  return (ptrdiff_t)tile_rows(cv) * tile_columns(cv);
}

ptrdiff_t apus_winograd_kernel_size(ptrdiff_t channels, ptrdiff_t filters) {
  const ptrdiff_t a = channels * whole_lanes(filters), b = filters * whole_lanes(channels);
  return APUS_POINTS * (a > b ? a : b);
}

ptrdiff_t apus_winograd_scratch_size(ptrdiff_t channels, ptrdiff_t filters) {
  const ptrdiff_t tiles = block_tiles(channels, filters);
  const ptrdiff_t blocks = APUS_POINTS * (plane_of(tiles, whole_lanes(channels)) +
                                          plane_of(tiles, whole_lanes(filters)));
  const ptrdiff_t gradient =
      APUS_POINTS * (plane_of(APUS_GRADIENT_TILES, APUS_GRADIENT_CHANNELS) +
                     plane_of(APUS_GRADIENT_TILES, APUS_GRADIENT_FILTERS) +
                     plane_of(APUS_GRADIENT_CHANNELS, APUS_GRADIENT_FILTERS));
  return blocks > gradient ? blocks : gradient;
}

void apus_winograd(const apus_conv *cv, ptrdiff_t filters, const float *x, const float *u,
                   const float *bias, int relu, float *y, ptrdiff_t t0, ptrdiff_t t1,
                   float *scratch) {
  const ptrdiff_t block = block_tiles(cv->c, filters);
  const ptrdiff_t c = whole_lanes(cv->c), f = whole_lanes(filters);
  const ptrdiff_t v_plane = plane_of(block, c), m_plane = plane_of(block, f);
  float *v = scratch, *m = scratch + APUS_POINTS * v_plane;
  for (ptrdiff_t first = t0; first < t1; first += block) {
    const ptrdiff_t count = apus_min(block, t1 - first);
    const tile_place place = tile_at(cv, first);
    transform_images(cv, x, place, count, 0, cv->c, c, v, v_plane);
    multiply_points(v, c, v_plane, u, cv->c, f, m, m_plane, count);
    transform_outputs(cv, filters, m, f, m_plane, place, count, bias, relu, y);
  }
}

void apus_winograd_input_grad(const apus_conv *cv, ptrdiff_t filters, const float *g,
                              const float *u, float *dx, ptrdiff_t n0, ptrdiff_t n1,
                              float *scratch) {
  const ptrdiff_t block = block_tiles(cv->c, filters), image = apus_winograd_tiles(cv);
  const ptrdiff_t c = whole_lanes(cv->c), f = whole_lanes(filters);
  const ptrdiff_t w_plane = plane_of(block, f), d_plane = plane_of(block, c);
  float *w = scratch, *d = scratch + APUS_POINTS * w_plane;
  for (ptrdiff_t first = n0 * image; first < n1 * image; first += block) {
    const ptrdiff_t count = apus_min(block, n1 * image - first);
    const tile_place place = tile_at(cv, first);
    transform_gradients(cv, filters, g, place, count, 0, filters, f, w, w_plane);
    multiply_points(w, f, w_plane, u, filters, c, d, d_plane, count);
    transform_image_gradients(cv, d, c, d_plane, place, count, dx);
  }
}

/// One rectangle of the kernel's gradient.
static void kernel_grad_rectangle(const apus_conv *cv, ptrdiff_t filters, const float *x,
                                  const float *g, ptrdiff_t t0, ptrdiff_t t1, ptrdiff_t c0,
                                  ptrdiff_t c1, ptrdiff_t f0, ptrdiff_t f1, float *dk,
                                  float *scratch) {
  const ptrdiff_t c = whole_lanes(c1 - c0), f = whole_lanes(f1 - f0);
  const ptrdiff_t v_plane = plane_of(APUS_GRADIENT_TILES, c);
  const ptrdiff_t w_plane = plane_of(APUS_GRADIENT_TILES, f), u_plane = plane_of(c, f);
  float *v = scratch, *w = v + APUS_POINTS * v_plane, *u = w + APUS_POINTS * w_plane;
  for (ptrdiff_t first = t0; first < t1; first += APUS_GRADIENT_TILES) {
    const ptrdiff_t count = apus_min(APUS_GRADIENT_TILES, t1 - first);
    const tile_place place = tile_at(cv, first);
    transform_images(cv, x, place, count, c0, c1, c, v, v_plane);
    transform_gradients(cv, filters, g, place, count, f0, f1, f, w, w_plane);
    for (int point = 0; point < APUS_POINTS; point++) {
      const apus_left a = {v + point * v_plane, 1, c, 0};
      apus_block_product(a, w + point * w_plane, f, u + point * u_plane, f, c, f, count,
                         first > t0);
    }
  }
  const ptrdiff_t tap = cv->c * filters;
  transform_kernel_gradient(u, f, u_plane, c1 - c0, f1 - f0, dk + c0 * filters + f0, filters, tap);
}

void apus_winograd_kernel_grad(const apus_conv *cv, ptrdiff_t filters, const float *x,
                               const float *g, ptrdiff_t t0, ptrdiff_t t1, float *dk, ptrdiff_t f0,
                               ptrdiff_t f1, float *scratch) {
  for (ptrdiff_t f = f0; f < f1; f += APUS_GRADIENT_FILTERS) {
    for (ptrdiff_t c = 0; c < cv->c; c += APUS_GRADIENT_CHANNELS) {
      const ptrdiff_t c1 = apus_min(c + APUS_GRADIENT_CHANNELS, cv->c);
      const ptrdiff_t end = apus_min(f + APUS_GRADIENT_FILTERS, f1);
      kernel_grad_rectangle(cv, filters, x, g, t0, t1, c, c1, f, end, dk, scratch);
    }
  }
}
