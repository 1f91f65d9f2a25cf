// Convolutions: unrolling, depthwise, direct, Winograd.
#include "driver.h"

// Input pixel of an output pixel and a tap, or −1 on padding.
static ptrdiff_t pixel(const apus_conv *cv, int oz, int oy, int ox, int kz, int ky, int kx) {
  const int z = oz * cv->sd - cv->pf + kz * cv->dd, y = oy * cv->sh - cv->pt + ky * cv->dh, x = ox * cv->sw - cv->pl + kx * cv->dw;
  if (z < 0 || z >= cv->d || y < 0 || y >= cv->h || x < 0 || x >= cv->w) return -1;
  return ((ptrdiff_t)z * cv->h + y) * cv->w + x;
}

// For each output pixel `p` of an image and each tap `t` inside of it, with the input pixel `at`.
#define EACH_TAP(cv, p, t, at)                                                                                     \
  for (int p = 0; p < (cv)->od * (cv)->oh * (cv)->ow; p++)                                                         \
    for (int t = 0; t < (cv)->kd * (cv)->kh * (cv)->kw; t++)                                                       \
      for (ptrdiff_t at = pixel(cv, p / ((cv)->oh * (cv)->ow), p / (cv)->ow % (cv)->oh, p % (cv)->ow,              \
                                t / ((cv)->kh * (cv)->kw), t / (cv)->kw % (cv)->kh, t % (cv)->kw);                 \
           at >= 0; at = -1)

static apus_conv window(int d, int h, int w, int c, int k, int step, int dilation, int padding) {
  const int reach = (k - 1) * dilation + 1, flat = d == 1;
  return (apus_conv){.d = d, .h = h, .w = w, .c = c, .cs = c, .kd = flat ? 1 : k, .kh = k, .kw = k, .sd = flat ? 1 : step, .sh = step,
                     .sw = step, .dd = flat ? 1 : dilation, .dh = dilation, .dw = dilation, .pf = flat ? 0 : padding, .pt = padding,
                     .pl = padding, .od = flat ? 1 : (d + 2 * padding - reach) / step + 1, .oh = (h + 2 * padding - reach) / step + 1,
                     .ow = (w + 2 * padding - reach) / step + 1};
}

static int windows(apus_conv *to) {
  int n = 0;
  to[n++] = window(1, 1, 1, 1, 1, 1, 1, 0);
  to[n++] = window(1, 7, 9, 3, 3, 1, 1, 1);
  to[n++] = window(1, 9, 11, 16, 3, 2, 1, 0);
  to[n++] = window(1, 12, 8, 5, 2, 1, 3, 2);
  to[n++] = window(1, 1, 40, 67, 1, 1, 1, 0);
  to[n++] = window(3, 5, 6, 4, 2, 1, 1, 1);
  to[n++] = window(1, 10, 10, 70, 5, 1, 1, 2);
  return n;
}

static ptrdiff_t image_size(const apus_conv *cv) { return (ptrdiff_t)cv->d * cv->h * cv->w * cv->cs; }
static int pixels(const apus_conv *cv) { return cv->od * cv->oh * cv->ow; }
static int taps(const apus_conv *cv) { return cv->kd * cv->kh * cv->kw; }

static void unrolled(void) {
  apus_conv all[16];
  const int count = windows(all);
  for (int i = 0; i < count; i++) EACH_FLOAT(dtype) for (int group = 0; group < 2; group++) {
    apus_conv cv = all[i];
    if (group) cv.cs = cv.c + 3;
    const int size = apus_dtype_size(dtype), p1 = pixels(&cv), p0 = p1 > 5 ? 3 : 0;
    const ptrdiff_t run = (ptrdiff_t)taps(&cv) * cv.c, cells = run * (p1 - p0);
    void *x = drawn(dtype, image_size(&cv), -1, 1), *col = drawn(dtype, cells, -1, 1), *g = drawn(dtype, cells, -1, 1);
    void *dx = room(image_size(&cv), (size_t)size);
    double *wanted = room(cells, 8), *back = room(image_size(&cv), 8);
    EACH_TAP(&cv, p, t, at) for (int c = 0; p >= p0 && c < cv.c; c++) {
      const ptrdiff_t cell = (p - p0) * run + t * cv.c + c;
      wanted[cell] = get(dtype, x, at * cv.cs + c);
      back[at * cv.cs + c] += get(dtype, g, cell);
    }
    apus_im2col(size, &cv, x, col, p0, p1);
    expect_close(dtype, col, wanted, cells, 0, 0, "unrolled, type %d, window %d, group %d", dtype, i, group);
    apus_col2im_add(dtype, &cv, g, dx, p0, p1);
    expect_close(dtype, dx, back, image_size(&cv), 10 * NEAR(dtype), 4 * NEAR(dtype), "added back, type %d, window %d, group %d", dtype, i, group);
  }
}

static void depthwise(void) {
  enum { n = 2 };
  apus_conv all[16];
  const int count = windows(all);
  for (int i = 0; i < count; i++) EACH_FLOAT(dtype) {
    const apus_conv *cv = &all[i];
    const size_t size = (size_t)apus_dtype_size(dtype);
    const ptrdiff_t c = cv->c, image = image_size(cv), out = pixels(cv) * c;
    void *x = drawn(dtype, n * image, -1, 1), *k = drawn(dtype, taps(cv) * c, -1, 1), *g = drawn(dtype, n * out, -1, 1);
    void *y = room(n * out, size), *dx = drawn(dtype, n * image, 5, 6), *dk = drawn(dtype, taps(cv) * c, 5, 6);
    double *y_wanted = room(n * out, 8), *dx_wanted = room(n * image, 8), *dk_wanted = room(taps(cv) * c, 8);
    for (int b = 0; b < n; b++) EACH_TAP(cv, p, t, at) for (int j = 0; j < c; j++) {
      const double from = get(dtype, x, b * image + at * c + j), with = get(dtype, k, t * c + j), slope = get(dtype, g, b * out + p * c + j);
      y_wanted[b * out + p * c + j] += from * with;
      dx_wanted[b * image + at * c + j] += slope * with;
      dk_wanted[t * c + j] += slope * from;
    }
    const ptrdiff_t half = n * pixels(cv) / 2, middle = c > 16 ? 16 : 0;
    apus_depthwise(dtype, cv, x, k, y, 0, half);
    apus_depthwise(dtype, cv, x, k, y, half, n * pixels(cv));
    expect_close(dtype, y, y_wanted, n * out, 5 * NEAR(dtype), 10 * NEAR(dtype), "y, type %d, window %d", dtype, i);
    apus_depthwise_input_grad(dtype, cv, g, k, dx, 0, 1);
    apus_depthwise_input_grad(dtype, cv, g, k, dx, 1, n);
    expect_close(dtype, dx, dx_wanted, n * image, 5 * NEAR(dtype), 10 * NEAR(dtype), "dx, type %d, window %d", dtype, i);
    apus_depthwise_kernel_grad(dtype, cv, x, g, n, dk, 0, middle);
    apus_depthwise_kernel_grad(dtype, cv, x, g, n, dk, middle, c);
    expect_close(dtype, dk, dk_wanted, taps(cv) * c, 5 * NEAR(dtype), 40 * NEAR(dtype), "dk, type %d, window %d", dtype, i);
  }
}

typedef struct {
  float *x, *k, *g, *bias, *y, *dx, *dk;
  double *y_wanted, *dx_wanted, *dk_wanted;
  ptrdiff_t image, out, cells;
} convolution;

// Images, kernel [taps, c, filters], bias and the gradient of the output, and what comes out of them.
static convolution convolution_of(const apus_conv *cv, int n, ptrdiff_t filters, int has_bias, int relu) {
  convolution v = {.image = image_size(cv), .out = pixels(cv) * filters, .cells = (ptrdiff_t)taps(cv) * cv->c * filters};
  v.x = drawn(APUS_FLOAT32, n * v.image, -1, 1), v.k = drawn(APUS_FLOAT32, v.cells, -1, 1), v.g = drawn(APUS_FLOAT32, n * v.out, -1, 1);
  v.bias = has_bias ? drawn(APUS_FLOAT32, filters, -1, 1) : NULL;
  v.y = room(n * v.out, 4), v.dx = drawn(APUS_FLOAT32, n * v.image, 5, 6), v.dk = drawn(APUS_FLOAT32, v.cells, 5, 6);
  v.y_wanted = room(n * v.out, 8), v.dx_wanted = room(n * v.image, 8), v.dk_wanted = room(v.cells, 8);
  for (int b = 0; b < n; b++) EACH_TAP(cv, p, t, at) for (int c = 0; c < cv->c; c++) for (ptrdiff_t f = 0; f < filters; f++) {
    const ptrdiff_t from = b * v.image + at * cv->c + c, with = (t * cv->c + c) * filters + f, to = b * v.out + p * filters + f;
    v.y_wanted[to] += (double)v.x[from] * v.k[with];
    v.dx_wanted[from] += (double)v.g[to] * v.k[with];
    v.dk_wanted[with] += (double)v.g[to] * v.x[from];
  }
  for (ptrdiff_t i = 0; i < n * v.out; i++) {
    if (has_bias) v.y_wanted[i] += v.bias[i % filters];
    if (relu && v.y_wanted[i] < 0) v.y_wanted[i] = 0;
  }
  return v;
}

static void direct(void) {
  const apus_conv all[] = {window(1, 28, 28, 1, 3, 1, 1, 0), window(1, 9, 11, 3, 3, 1, 1, 1), window(1, 8, 6, 4, 2, 2, 1, 0),
                           window(1, 12, 13, 2, 3, 1, 2, 2), window(1, 3, 3, 1, 3, 1, 1, 0), window(1, 20, 18, 2, 5, 2, 1, 1)};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) for (ptrdiff_t filters = 16; filters <= 80; filters += 16) {
    enum { n = 3 };
    const apus_conv *cv = &all[i];
    const int has_bias = filters % 32 == 0, relu = filters % 48 == 0;
    const convolution v = convolution_of(cv, n, filters, has_bias, relu);
    float *scratch = room(apus_direct_scratch_size(cv), 4);
    apus_direct(cv, filters, v.x, v.k, v.bias, relu, v.y, 0, 1, scratch);
    apus_direct(cv, filters, v.x, v.k, v.bias, relu, v.y, 1, n, scratch);
    expect_close(APUS_FLOAT32, v.y, v.y_wanted, n * v.out, 1e-6, 5e-6, "y, window %zu, %td filters", i, filters);
    apus_direct_kernel_grad(cv, filters, v.x, v.g, 0, n, v.dk, 0, 16, scratch);
    apus_direct_kernel_grad(cv, filters, v.x, v.g, 0, n, v.dk, 16, filters, scratch);
    expect_close(APUS_FLOAT32, v.dk, v.dk_wanted, v.cells, 1e-6, 2e-6 * sqrt((double)n * pixels(cv)), "dk, window %zu, %td filters", i, filters);
    float *rest = room(v.cells, 4);
    apus_direct_kernel_grad(cv, filters, v.x, v.g, 0, 1, v.dk, 0, filters, scratch);
    apus_direct_kernel_grad(cv, filters, v.x, v.g, 1, n, rest, 0, filters, scratch);
    for (ptrdiff_t j = 0; j < v.cells; j++) v.dk[j] += rest[j];
    expect_close(APUS_FLOAT32, v.dk, v.dk_wanted, v.cells, 1e-6, 2e-6 * sqrt((double)n * pixels(cv)), "dk of images apart, window %zu, %td filters", i, filters);
  }
}

static void winograd(void) {
  const struct {
    int h, w, c, padding;
    ptrdiff_t filters;
  } all[] = {{4, 4, 1, 1, 1}, {6, 6, 16, 0, 16}, {13, 9, 5, 1, 7}, {12, 16, 33, 1, 40}, {26, 26, 32, 0, 64}, {7, 30, 70, 1, 70}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    enum { n = 2 };
    const apus_conv cv = window(1, all[i].h, all[i].w, all[i].c, 3, 1, 1, all[i].padding);
    const ptrdiff_t filters = all[i].filters, tiles = n * apus_winograd_tiles(&cv);
    expect(tiles == n * ((cv.oh + 3) / 4) * ((cv.ow + 3) / 4), "%td tiles", tiles);
    const int has_bias = i % 2 == 0, relu = i % 3 == 0;
    const convolution v = convolution_of(&cv, n, filters, has_bias, relu);
    float *scratch = room(apus_winograd_scratch_size(cv.c, filters), 4);
    float *u = room(apus_winograd_kernel_size(cv.c, filters), 4);
    // Rounding of the transforms grows with the sums.
    const double far = 4e-6 * sqrt((double)cv.c * 9), far_x = 4e-6 * sqrt((double)filters * 9), far_k = 4e-6 * sqrt((double)n * pixels(&cv));
    apus_winograd_kernel(v.k, cv.c, filters, 0, u, 0, cv.c / 2);
    apus_winograd_kernel(v.k, cv.c, filters, 0, u, cv.c / 2, cv.c);
    apus_winograd(&cv, filters, v.x, u, v.bias, relu, v.y, 0, tiles / 2, scratch);
    apus_winograd(&cv, filters, v.x, u, v.bias, relu, v.y, tiles / 2, tiles, scratch);
    expect_close(APUS_FLOAT32, v.y, v.y_wanted, n * v.out, 0, far, "y, case %zu", i);
    apus_winograd_kernel(v.k, cv.c, filters, 1, u, 0, filters);
    apus_winograd_input_grad(&cv, filters, v.g, u, v.dx, 0, 1, scratch);
    apus_winograd_input_grad(&cv, filters, v.g, u, v.dx, 1, n, scratch);
    expect_close(APUS_FLOAT32, v.dx, v.dx_wanted, n * v.image, 0, far_x, "dx, case %zu", i);
    const ptrdiff_t middle = filters > 16 ? 16 : 0;
    apus_winograd_kernel_grad(&cv, filters, v.x, v.g, 0, tiles, v.dk, 0, middle, scratch);
    apus_winograd_kernel_grad(&cv, filters, v.x, v.g, 0, tiles, v.dk, middle, filters, scratch);
    expect_close(APUS_FLOAT32, v.dk, v.dk_wanted, v.cells, 0, far_k, "dk, case %zu", i);
    float *rest = room(v.cells, 4);
    apus_winograd_kernel_grad(&cv, filters, v.x, v.g, 0, tiles / 2, v.dk, 0, filters, scratch);
    apus_winograd_kernel_grad(&cv, filters, v.x, v.g, tiles / 2, tiles, rest, 0, filters, scratch);
    for (ptrdiff_t j = 0; j < v.cells; j++) v.dk[j] += rest[j];
    expect_close(APUS_FLOAT32, v.dk, v.dk_wanted, v.cells, 0, far_k, "dk of tiles apart, case %zu", i);
  }
}

const row convolution_rows[] = {
    {"apus_im2col apus_col2im_add", unrolled},
    {"apus_depthwise apus_depthwise_input_grad apus_depthwise_kernel_grad", depthwise},
    {"apus_direct apus_direct_kernel_grad apus_direct_scratch_size", direct},
    {"apus_winograd apus_winograd_input_grad apus_winograd_kernel_grad apus_winograd_kernel apus_winograd_tiles "
     "apus_winograd_kernel_size apus_winograd_scratch_size",
     winograd},
    {0},
};
