// Maxima and means over windows.
#include "driver.h"

enum { n = 2 };

static const struct {
  int d, h, w, c, k, step, padding;
} cases[] = {{1, 1, 1, 1, 1, 1, 0}, {1, 8, 6, 3, 2, 2, 0}, {1, 9, 9, 16, 3, 2, 1}, {1, 26, 26, 67, 2, 2, 0}, {4, 6, 5, 20, 2, 1, 1}, {1, 5, 7, 130, 3, 1, 2}};

static apus_conv window(size_t i) {
  const int k = cases[i].k, s = cases[i].step, p = cases[i].padding, flat = cases[i].d == 1;
  return (apus_conv){.d = cases[i].d, .h = cases[i].h, .w = cases[i].w, .c = cases[i].c, .cs = cases[i].c, .kd = flat ? 1 : k, .kh = k,
                     .kw = k, .sd = flat ? 1 : s, .sh = s, .sw = s, .dd = 1, .dh = 1, .dw = 1, .pf = flat ? 0 : p, .pt = p, .pl = p,
                     .od = flat ? 1 : (cases[i].d + 2 * p - k) / s + 1, .oh = (cases[i].h + 2 * p - k) / s + 1,
                     .ow = (cases[i].w + 2 * p - k) / s + 1};
}

// Calls `visit` with each output element, the inputs in its window in order, and how many they are.
static void each_window(const apus_conv *cv, void (*visit)(void *, ptrdiff_t, const ptrdiff_t *, int), void *context) {
  ptrdiff_t out = 0;
  for (int oz = 0; oz < cv->od; oz++) for (int oy = 0; oy < cv->oh; oy++) for (int ox = 0; ox < cv->ow; ox++) for (int c = 0; c < cv->c; c++, out++) {
    ptrdiff_t inside[125];
    int count = 0;
    for (int a = 0; a < cv->kd; a++) for (int b = 0; b < cv->kh; b++) for (int e = 0; e < cv->kw; e++) {
      const int z = oz * cv->sd - cv->pf + a, y = oy * cv->sh - cv->pt + b, x = ox * cv->sw - cv->pl + e;
      if (z < 0 || z >= cv->d || y < 0 || y >= cv->h || x < 0 || x >= cv->w) continue;
      inside[count++] = (((ptrdiff_t)z * cv->h + y) * cv->w + x) * cv->c + c;
    }
    visit(context, out, inside, count);
  }
}

typedef struct {
  int dtype;
  const void *x, *g;
  ptrdiff_t image, out, first, first_out;
  double *most, *mean, *spread;
  int32_t *place;
} pooled;

static double lowest(int dtype) {
  return dtype <= APUS_FLOAT64 ? -(double)INFINITY : dtype == APUS_INT32 ? -0x1p31 : dtype == APUS_INT64 ? -0x1p63 : 0;
}

static void visit(void *context, ptrdiff_t out, const ptrdiff_t *inside, int count) {
  pooled *v = context;
  double best = lowest(v->dtype), sum = 0;
  int32_t place = -1;
  for (int i = 0; i < count; i++) {
    const double u = get(v->dtype, v->x, v->first + inside[i]);
    if (place < 0 || (best == best && (u > best || u != u))) best = u, place = (int32_t)inside[i];
    sum += u;
    v->spread[v->first + inside[i]] += get(v->dtype, v->g, v->first_out + out) / count;
  }
  v->most[v->first_out + out] = best;
  v->place[v->first_out + out] = place;
  v->mean[v->first_out + out] = count > 0 ? sum / count : 0;
}

static pooled pooled_of(const apus_conv *cv, int dtype) {
  pooled v = {.dtype = dtype, .image = (ptrdiff_t)cv->d * cv->h * cv->w * cv->c, .out = (ptrdiff_t)cv->od * cv->oh * cv->ow * cv->c};
  void *x = drawn(dtype, n * v.image, 0, 20);
  v.x = x, v.g = drawn(dtype, n * v.out, 0, 3);
  v.most = room(n * v.out, 8), v.mean = room(n * v.out, 8), v.spread = room(n * v.image, 8), v.place = room(n * v.out, 4);
  return v;
}

static void maxima(void) {
  EACH_NUMBER(dtype) for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const apus_conv cv = window(i);
    pooled v = pooled_of(&cv, dtype);
    if (dtype <= APUS_FLOAT64 && v.image > 30) put(dtype, (void *)v.x, 25, NAN);
    for (int b = 0; b < n; b++, v.first += v.image, v.first_out += v.out) each_window(&cv, visit, &v);
    void *y = room(n * v.out, (size_t)apus_dtype_size(dtype)), *z = room(n * v.out, (size_t)apus_dtype_size(dtype));
    int32_t *places = room(n * v.out, 4);
    apus_maxpool(dtype, &cv, v.x, y, places, n);
    expect_close(dtype, y, v.most, n * v.out, 0, 0, "type %d, window %zu", dtype, i);
    expect_same(places, v.place, (size_t)(n * v.out) * 4, "places, type %d, window %zu", dtype, i);
    apus_maxpool(dtype, &cv, v.x, z, NULL, n);
    expect_close(dtype, z, v.most, n * v.out, 0, 0, "without places, type %d, window %zu", dtype, i);
    if (dtype > APUS_FLOAT64) continue;
    double *back = room(n * v.image, 8), *gathered = room(n * v.out, 8);
    for (ptrdiff_t p = 0; p < n * v.out; p++) {
      if (v.place[p] >= 0) back[p / v.out * v.image + v.place[p]] += get(dtype, v.g, p);
    }
    void *dx = drawn(dtype, n * v.image, 5, 6), *g = room(n * v.out, (size_t)apus_dtype_size(dtype));
    apus_pool_scatter(dtype, &cv, v.g, v.place, dx, n);
    expect_close(dtype, dx, back, n * v.image, 10 * NEAR(dtype), 0, "gradient, type %d, window %zu", dtype, i);
    for (ptrdiff_t p = 0; p < n * v.out; p++) {
      gathered[p] = v.place[p] < 0 ? 0 : get(dtype, dx, p / v.out * v.image + v.place[p]);
    }
    apus_pool_gather(dtype, &cv, dx, v.place, g, n);
    expect_close(dtype, g, gathered, n * v.out, 0, 0, "gathered, type %d, window %zu", dtype, i);
  }
}

static void means(void) {
  EACH_FLOAT(dtype) for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const apus_conv cv = window(i);
    pooled v = pooled_of(&cv, dtype);
    for (int b = 0; b < n; b++, v.first += v.image, v.first_out += v.out) each_window(&cv, visit, &v);
    void *y = room(n * v.out, (size_t)apus_dtype_size(dtype)), *dx = drawn(dtype, n * v.image, 5, 6);
    apus_avgpool(dtype, &cv, v.x, y, n);
    expect_close(dtype, y, v.mean, n * v.out, 4 * NEAR(dtype), 0, "type %d, window %zu", dtype, i);
    apus_avgpool_grad(dtype, &cv, v.g, dx, n);
    expect_close(dtype, dx, v.spread, n * v.image, 4 * NEAR(dtype), 0, "gradient, type %d, window %zu", dtype, i);
  }
}

const row pooling_rows[] = {
    {"apus_maxpool apus_pool_scatter apus_pool_gather", maxima},
    {"apus_avgpool apus_avgpool_grad", means},
    {0},
};
