// Tiles of images and of outputs, to points and back. See winograd.c.
#ifndef APUS_WINOGRAD_TILES_H
#define APUS_WINOGRAD_TILES_H

#include "winograd_points.h"

#define APUS_POINTS 36
#define APUS_TILE 4

APUS_INLINE ptrdiff_t whole_lanes(ptrdiff_t count) {
  return (count + APUS_LANES - 1) / APUS_LANES * APUS_LANES;
}

/// A tile of the output and where it reads.
typedef struct {
  ptrdiff_t image;
  int row, column;  // counted in tiles
  int y, x;         // the input of its first window, may lie outside
} tile_place;

APUS_INLINE int tile_rows(const apus_conv *cv) { return (cv->oh + APUS_TILE - 1) / APUS_TILE; }
APUS_INLINE int tile_columns(const apus_conv *cv) { return (cv->ow + APUS_TILE - 1) / APUS_TILE; }

APUS_INLINE tile_place tile_at(const apus_conv *cv, ptrdiff_t tile) {
  const ptrdiff_t columns = tile_columns(cv), image = columns * tile_rows(cv);
  tile_place t;
  t.image = tile / image;
  t.row = (int)(tile % image / columns);
  t.column = (int)(tile % columns);
  t.y = t.row * APUS_TILE - cv->pt;
  t.x = t.column * APUS_TILE - cv->pl;
  return t;
}

APUS_INLINE void tile_next(const apus_conv *cv, tile_place *t) {
  t->column++;
  t->x += APUS_TILE;
  if (t->column < tile_columns(cv)) return;
  t->column = 0;
  t->x = -cv->pl;
  t->row++;
  t->y += APUS_TILE;
  if (t->row < tile_rows(cv)) return;
  t->row = 0;
  t->y = -cv->pt;
  t->image++;
}

// Vectors go by address: passed by value they would differ between the levels of CPUs.
APUS_INLINE void load_some(vec *v, const float *from, ptrdiff_t count) {
  *v = 0;
  memcpy(v, from, (size_t)apus_min(count, APUS_LANES) * sizeof(float));
}

APUS_INLINE void store_some(float *to, const vec *v, ptrdiff_t count) {
  memcpy(to, v, (size_t)apus_min(count, APUS_LANES) * sizeof(float));
}

/// The pixel of a plane `[height, width, channels]`, or null outside.
APUS_INLINE const float *pixel(const float *plane, int y, int x, int height, int width,
                               ptrdiff_t channels) {
  const int inside = y >= 0 && y < height && x >= 0 && x < width;
  return inside ? plane + ((ptrdiff_t)y * width + x) * channels : 0;
}

/// Writes Bᵀ x B of `count` tiles, channels `c0 ..< c1`, as 36 matrices `[tiles, width]`, `plane`
/// apart.
APUS_CLONES(void, transform_images, (const apus_conv *cv, const float *x, tile_place t,
            ptrdiff_t count, ptrdiff_t c0, ptrdiff_t c1, ptrdiff_t width, float *v,
            ptrdiff_t plane), (cv, x, t, count, c0, c1, width, v, plane)) {
  const ptrdiff_t channels = cv->c, line = cv->w * channels;
  for (ptrdiff_t i = 0; i < count; i++, tile_next(cv, &t), v += width) {
    const float *image = x + t.image * cv->h * line;
    const int inside = t.y >= 0 && t.x >= 0 && t.y + 6 <= cv->h && t.x + 6 <= cv->w;
    for (ptrdiff_t c = c0; c < c1; c += APUS_LANES) {
      vec patch[6][6];
      if (inside && c + APUS_LANES <= c1) {
        const float *from = image + t.y * line + t.x * channels + c;
        for (int b = 0; b < 6; b++, from += channels) {
          vec d[6];
          for (int a = 0; a < 6; a++) {
            d[a] = *(const vec *)(from + a * line);
            if (b > 1) __builtin_prefetch(from + a * line + APUS_TILE * channels);
          }
          image_to_points(d);
          for (int a = 0; a < 6; a++) patch[a][b] = d[a];
        }
      } else {
        for (int b = 0; b < 6; b++) {
          vec d[6];
          for (int a = 0; a < 6; a++) {
            const float *from = pixel(image, t.y + a, t.x + b, cv->h, cv->w, channels);
            load_some(&d[a], from + c, from ? c1 - c : 0);
          }
          image_to_points(d);
          for (int a = 0; a < 6; a++) patch[a][b] = d[a];
        }
      }
      float *to = v + (c - c0);
      for (int a = 0; a < 6; a++) {
        image_to_points(patch[a]);
        for (int b = 0; b < 6; b++, to += plane) *(vec *)to = patch[a][b];
      }
    }
  }
}

/// Writes A g Aᵀ of `count` tiles, filters `f0 ..< f1` of `filters`, likewise.
APUS_CLONES(void, transform_gradients, (const apus_conv *cv, ptrdiff_t filters, const float *g,
            tile_place t, ptrdiff_t count, ptrdiff_t f0, ptrdiff_t f1, ptrdiff_t width, float *w,
            ptrdiff_t plane), (cv, filters, g, t, count, f0, f1, width, w, plane)) {
  const ptrdiff_t line = cv->ow * filters;
  for (ptrdiff_t i = 0; i < count; i++, tile_next(cv, &t), w += width) {
    const float *image = g + t.image * cv->oh * line;
    const int y = t.row * APUS_TILE, x = t.column * APUS_TILE;
    const int inside = y + 4 <= cv->oh && x + 4 <= cv->ow;
    for (ptrdiff_t f = f0; f < f1; f += APUS_LANES) {
      vec half[6][4];
      const int whole = inside && f + APUS_LANES <= f1;
      const float *from = image + y * line + x * filters + f;
      for (int b = 0; b < 4; b++, from += filters) {
        vec d[4], p[6];
        if (whole) {
          for (int a = 0; a < 4; a++) {
            d[a] = *(const vec *)(from + a * line);
            __builtin_prefetch(from + a * line + APUS_TILE * filters);
          }
        } else {
          for (int a = 0; a < 4; a++) {
            const int exists = y + a < cv->oh && x + b < cv->ow;
            load_some(&d[a], from + a * line, exists ? f1 - f : 0);
          }
        }
        output_to_points(d, p);
        for (int a = 0; a < 6; a++) half[a][b] = p[a];
      }
      float *to = w + (f - f0);
      for (int a = 0; a < 6; a++) {
        vec p[6];
        output_to_points(half[a], p);
        for (int b = 0; b < 6; b++, to += plane) *(vec *)to = p[b];
      }
    }
  }
}

/// Writes Aᵀ m A of `count` tiles, with bias (if any) and rectified (if asked).
APUS_CLONES(void, transform_outputs, (const apus_conv *cv, ptrdiff_t filters, const float *m,
            ptrdiff_t width, ptrdiff_t plane, tile_place t, ptrdiff_t count, const float *bias,
            int relu, float *y), (cv, filters, m, width, plane, t, count, bias, relu, y)) {
  const ptrdiff_t line = cv->ow * filters;
  for (ptrdiff_t i = 0; i < count; i++, tile_next(cv, &t), m += width) {
    const int top = t.row * APUS_TILE, left = t.column * APUS_TILE;
    const int height = (int)apus_min(4, cv->oh - top), across = (int)apus_min(4, cv->ow - left);
    float *image = y + t.image * cv->oh * line + top * line + left * filters;
    for (ptrdiff_t f = 0; f < filters; f += APUS_LANES) {
      const ptrdiff_t lanes = apus_min(APUS_LANES, filters - f);
      vec added;
      load_some(&added, bias + f, bias ? lanes : 0);
      vec half[4][6];
      const float *from = m + f;
      for (int b = 0; b < 6; b++, from += plane) {
        vec d[6], r[4];
        for (int a = 0; a < 6; a++) d[a] = *(const vec *)(from + a * 6 * plane);
        points_to_output(d, r);
        for (int a = 0; a < 4; a++) half[a][b] = r[a];
      }
      float *to = image + f;
      for (int a = 0; a < height; a++, to += line) {
        vec r[4];
        points_to_output(half[a], r);
        for (int b = 0; b < 4; b++) {
          r[b] += added;
          // What is not a number stays so, as in the rectifier itself.
          if (relu) r[b] = r[b] < 0 ? (vec)0 : r[b];
        }
        if (across == 4 && lanes == APUS_LANES) {
          for (int b = 0; b < 4; b++) *(vec *)(to + b * filters) = r[b];
        } else {
          for (int b = 0; b < across; b++) store_some(to + b * filters, &r[b], lanes);
        }
      }
    }
  }
}

/// Adds B d Bᵀ of `count` tiles to the images. Tiles come in order, so that the first that reaches
/// a pixel can write it.
APUS_CLONES(void, transform_image_gradients, (const apus_conv *cv, const float *d, ptrdiff_t width,
            ptrdiff_t plane, tile_place t, ptrdiff_t count, float *dx),
            (cv, d, width, plane, t, count, dx)) {
  const ptrdiff_t channels = cv->c, line = cv->w * channels;
  for (ptrdiff_t i = 0; i < count; i++, tile_next(cv, &t), d += width) {
    float *image = dx + t.image * cv->h * line;
    const int a0 = t.y < 0 ? -t.y : 0, a1 = (int)apus_min(6, cv->h - t.y);
    const int b0 = t.x < 0 ? -t.x : 0, b1 = (int)apus_min(6, cv->w - t.x);
    for (ptrdiff_t c = 0; c < channels; c += APUS_LANES) {
      const ptrdiff_t lanes = apus_min(APUS_LANES, channels - c);
      vec patch[6][6];
      const float *from = d + c;
      for (int b = 0; b < 6; b++, from += plane) {
        vec p[6];
        for (int a = 0; a < 6; a++) p[a] = *(const vec *)(from + a * 6 * plane);
        points_to_image(p);
        for (int a = 0; a < 6; a++) patch[a][b] = p[a];
      }
      for (int a = a0; a < a1; a++) {
        points_to_image(patch[a]);
        float *to = image + (t.y + a) * line + t.x * channels + c;
        // Rows of tiles overlap by two rows, and neighbours in a row by two columns.
        const int known = a < 2 && t.row > 0 ? 6 : t.column > 0 ? 2 : 0;
        if (lanes == APUS_LANES && b0 == 0 && b1 == 6) {
          for (int b = 0; b < known; b++) *(vec *)(to + b * channels) += patch[a][b];
          for (int b = known; b < 6; b++) *(vec *)(to + b * channels) = patch[a][b];
        } else {
          for (int b = b0; b < b1; b++) {
            vec r;
            load_some(&r, to + b * channels, b < known ? lanes : 0);
            r += patch[a][b];
            store_some(to + b * channels, &r, lanes);
          }
        }
      }
    }
  }
}

#endif
