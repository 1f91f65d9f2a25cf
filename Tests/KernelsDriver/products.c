// Products of matrices, and the loops that measure a core.
#include "driver.h"

static const ptrdiff_t shapes[][3] = {{1, 1, 1},    {8, 16, 1},   {5, 40, 3},    {33, 17, 65},  {12, 32, 0},   {16, 8, 9},
                                      {64, 64, 64}, {72, 48, 700}, {300, 160, 50}, {24, 272, 130}, {257, 96, 20}, {13, 515, 600}, {270, 530, 9}};
enum { shape_count = sizeof shapes / sizeof *shapes };

// Rounded to the nearest of 8 bits, ties to even.
static double to_bf16(double x) {
  const float f = (float)x;
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
  float rounded;
  memcpy(&rounded, &bits, sizeof bits);
  return rounded;
}

// The product of m × k and k × n, stored as they are or transposed, plus what is in c before.
static double *product(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, int ta, const float *b, int tb, const float *c,
                       ptrdiff_t leading, int add, int rounds) {
  double *y = room(m * n, sizeof(double));
  for (ptrdiff_t i = 0; i < m; i++) for (ptrdiff_t j = 0; j < n; j++) {
    double sum = add ? c[i * leading + j] : 0;
    for (ptrdiff_t p = 0; p < k; p++) {
      const double u = ta ? a[p * m + i] : a[i * k + p], v = tb ? b[j * k + p] : b[p * n + j];
      sum += rounds ? to_bf16(u) * to_bf16(v) : u * v;
    }
    y[i * n + j] = sum;
  }
  return y;
}

// Compares m rows and n columns of c, whose rows are `leading` apart.
static void expect_rows(const float *c, ptrdiff_t leading, const double *wanted, ptrdiff_t width, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                        const char *what, int shape, int kind) {
  for (ptrdiff_t i = 0; i < m; i++) {
    expect_close(APUS_FLOAT32, c + i * leading, wanted + i * width, n, 1e-6, 4e-8 * (double)(k + 8), "%s, shape %d, kind %d, row %td", what, shape, kind, i);
  }
}

static void gemm(void) {
  apus_gemm_sizes table;
  apus_gemm_get_sizes(&table);
  expect(table.depth > 0 && table.rows > 0, "sizes of %td and %td", table.depth, table.rows);
  // However a product is cut, packed or flipped.
  for (int variant = 0; variant < 4; variant++) {
    apus_gemm_sizes sizes = table;
    if (variant & 1) sizes.packs_left = !sizes.packs_left, sizes.packs_spread = !sizes.packs_spread;
    if (variant & 2) sizes.flips = !sizes.flips, sizes.rows = 24, sizes.copied_rows = 40, sizes.depth = 40, sizes.ahead = sizes.ahead ? 0 : 4;
    apus_gemm_set_sizes(&sizes);
    for (int s = 0; s < shape_count; s++) for (int kind = 0; kind < 8; kind++) {
      const ptrdiff_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], leading = n + 5;
      const int ta = kind & 1, tb = kind & 2, add = kind & 4;
      const ptrdiff_t row_a = ta ? 1 : k, column_a = ta ? m : 1, row_b = tb ? 1 : n, column_b = tb ? k : 1;
      if (k == 0) continue;
      float *a = drawn(APUS_FLOAT32, m * k, -1, 1), *b = drawn(APUS_FLOAT32, k * n, -1, 1), *c = drawn(APUS_FLOAT32, m * leading, -1, 1);
      const float *before = copied(c);
      const double *wanted = product(m, n, k, a, ta, b, tb, c, leading, add, 0);
      apus_gemm(m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add, room((ptrdiff_t)apus_gemm_bytes(m, n, k, column_a, row_b, column_b), 1));
      expect_rows(c, leading, wanted, n, m, n, k, "product", s, kind);
      for (ptrdiff_t i = 0; i < m; i++) {
        expect_same(c + i * leading + n, before + i * leading + n, (size_t)(leading - n) * 4, "beside the product, shape %d, kind %d", s, kind);
      }
    }
  }
  apus_gemm_set_sizes(&table);
  expect(apus_gemm_is_fast() == 0 || apus_gemm_is_fast() == 1, "whether it is fast");
}

static void plain_product(void) {
  for (int s = 0; s < shape_count; s++) for (int kind = 0; kind < 8; kind++) {
    const ptrdiff_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], leading = n + 5;
    const int ta = kind & 1, tb = kind & 2, add = kind & 4;
    if (k == 0) continue;
    float *a = drawn(APUS_FLOAT32, m * k, -1, 1), *b = drawn(APUS_FLOAT32, k * n, -1, 1), *c = drawn(APUS_FLOAT32, m * leading, -1, 1);
    const double *wanted = product(m, n, k, a, ta, b, tb, c, leading, add, 0);
    double *a64 = room(m * k, sizeof(double)), *b64 = room(k * n, sizeof(double)), *c64 = room(m * leading, sizeof(double));
    for (ptrdiff_t i = 0; i < m * k; i++) a64[i] = a[i];
    for (ptrdiff_t i = 0; i < k * n; i++) b64[i] = b[i];
    for (ptrdiff_t i = 0; i < m * leading; i++) c64[i] = c[i];
    const ptrdiff_t row_a = ta ? 1 : k, column_a = ta ? m : 1, row_b = tb ? 1 : n, column_b = tb ? k : 1;
    apus_plain_product(APUS_FLOAT32, m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add);
    expect_rows(c, leading, wanted, n, m, n, k, "plain", s, kind);
    apus_plain_product(APUS_FLOAT64, m, n, k, a64, row_a, column_a, b64, row_b, column_b, c64, leading, add);
    for (ptrdiff_t i = 0; i < m; i++) {
      expect_close(APUS_FLOAT64, c64 + i * leading, wanted + i * n, n, 1e-14, 1e-13, "plain in 64 bits, shape %d, kind %d, row %td", s, kind, i);
    }
  }
}

static void bf16_gemm(void) {
  for (int s = 0; s < shape_count; s++) for (int kind = 0; kind < 8; kind++) {
    const ptrdiff_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], leading = n + 5;
    const int ta = kind & 1, tb = kind & 2, add = kind & 4;
    float *a = drawn(APUS_FLOAT32, m * k, -1, 1), *b = drawn(APUS_FLOAT32, k * n, -1, 1), *c = drawn(APUS_FLOAT32, m * leading, -1, 1);
    const double *wanted = product(m, n, k, a, ta, b, tb, c, leading, add, 1);
    for (int pairs = 0; k > 0 && pairs <= apus_bf16_has_instructions(); pairs++) {
      float *y = copied(c);
      apus_bf16_gemm(pairs, m, n, k, a, ta ? 1 : k, ta ? m : 1, b, tb ? 1 : n, tb ? k : 1, y, leading, add,
                     room((ptrdiff_t)apus_bf16_gemm_bytes(pairs), 1));
      expect_rows(y, leading, wanted, n, m, n, k, pairs ? "pairs of bfloat16" : "bfloat16", s, kind);
      for (ptrdiff_t i = 0; i < m; i++) {
        expect_same(y + i * leading + n, c + i * leading + n, (size_t)(leading - n) * 4, "beside the product, shape %d, kind %d", s, kind);
      }
    }
  }
  expect(apus_bf16_has_instructions() == 0 || apus_bf16_has_instructions() == 1, "whether there are instructions");
}

static void limits(void) {
  float result = 1;
  expect(apus_fma_loop(1000, &result) > 0 && isfinite(result), "multiply-adds");
  // Lanes 0, 7 and 15 of the sums over vectors of 16.
  float *x = drawn(APUS_FLOAT32, 640, -1, 1);
  double wanted = 0;
  for (int i = 0; i < 640; i++) wanted += i % 16 == 0 || i % 16 == 7 || i % 16 == 15 ? x[i] : 0;
  apus_read_loop(x, 640, &result);
  expect_close(APUS_FLOAT32, &result, &wanted, 1, 1e-6, 1e-5, "reading");
}

const row product_rows[] = {
    {"apus_gemm apus_gemm_bytes apus_gemm_get_sizes apus_gemm_set_sizes apus_gemm_is_fast", gemm},
    {"apus_plain_product", plain_product},
    {"apus_bf16_gemm apus_bf16_gemm_bytes apus_bf16_has_instructions", bf16_gemm},
    {"apus_read_loop", limits},
    {0},
};
