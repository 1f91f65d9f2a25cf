// Reading and adding by index.
#include "driver.h"

static void whole_numbers(void) {
  EACH_NUMBER(from) for (int to = APUS_INT32; to <= APUS_INT64; to++) EACH_SIZE(n) {
    void *x = drawn(from, (ptrdiff_t)n, 0, 100), *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(to));
    double *wanted = room((ptrdiff_t)n, sizeof(double));
    for (size_t i = 0; i < n; i++) wanted[i] = floor(get(from, x, (ptrdiff_t)i)), put(from, x, (ptrdiff_t)i, wanted[i]);
    expect(apus_whole_numbers(from, x, to, y, (ptrdiff_t)n, 0, 99) == -1, "type %d to %d, %zu numbers", from, to, n);
    expect_close(to, y, wanted, (ptrdiff_t)n, 0, 0, "type %d to %d, %zu numbers", from, to, n);
    if (n < 2) continue;
    put(from, x, (ptrdiff_t)n - 1, 100);
    expect(apus_whole_numbers(from, x, to, y, (ptrdiff_t)n, 0, 99) == (ptrdiff_t)n - 1, "too large, type %d, %zu numbers", from, n);
    if (from > APUS_FLOAT64) continue;
    put(from, x, (ptrdiff_t)n / 2, n % 2 ? 0.5 : (double)NAN);
    expect(apus_whole_numbers(from, x, to, y, (ptrdiff_t)n, 0, 99) == (ptrdiff_t)n / 2, "not whole, type %d, %zu numbers", from, n);
  }
}

static const int index_types[] = {APUS_INT32, APUS_INT64, APUS_UINT8};
static const ptrdiff_t shapes[][4] = {{1, 1, 0, 1}, {1, 5, 9, 1}, {3, 4, 7, 5}, {2, 100, 33, 16}, {1, 50, 200, 67}, {0, 3, 2, 4}};
enum { shape_count = sizeof shapes / sizeof *shapes };

// Indices of which some count from the end.
static void *indices(int dtype, ptrdiff_t count, ptrdiff_t n) {
  return drawn(dtype, count, dtype == APUS_UINT8 ? 0 : (double)-n, (double)n);
}

static ptrdiff_t place(int dtype, const void *idx, ptrdiff_t j, ptrdiff_t n) {
  const ptrdiff_t i = (ptrdiff_t)get(dtype, idx, j);
  return i < 0 ? i + n : i;
}

static void take(void) {
  EACH_NUMBER(dtype) for (int t = 0; t < 3; t++) for (int s = 0; s < shape_count; s++) {
    const ptrdiff_t outer = shapes[s][0], n = shapes[s][1], k = shapes[s][2], inner = shapes[s][3];
    const int size = apus_dtype_size(dtype), idx_type = index_types[t];
    void *x = drawn(dtype, outer * n * inner, 0, 100), *idx = indices(idx_type, k, n), *y = room(outer * k * inner, (size_t)size);
    double *wanted = room(outer * k * inner, 8), *back = room(outer * n * inner, 8);
    for (ptrdiff_t o = 0; o < outer; o++) for (ptrdiff_t j = 0; j < k; j++) for (ptrdiff_t i = 0; i < inner; i++) {
      wanted[(o * k + j) * inner + i] = get(dtype, x, (o * n + place(idx_type, idx, j, n)) * inner + i);
    }
    expect(apus_take(size, x, idx, idx_type, y, outer, n, k, inner) == -1, "a good index is refused");
    expect_close(dtype, y, wanted, outer * k * inner, 0, 0, "take, type %d, index %d, shape %d", dtype, idx_type, s);
    void *g = drawn(dtype, outer * k * inner, 0, 3), *dx = drawn(dtype, outer * n * inner, 0, 3);
    for (ptrdiff_t o = 0; o < outer; o++) for (ptrdiff_t j = 0; j < k; j++) for (ptrdiff_t i = 0; i < inner; i++) {
      back[(o * n + place(idx_type, idx, j, n)) * inner + i] += get(dtype, g, (o * k + j) * inner + i);
    }
    const ptrdiff_t middle = inner / 3;
    expect(apus_scatter_add(dtype, g, idx, idx_type, dx, outer, n, k, inner, 0, middle) == -1, "a good index is refused");
    expect(apus_scatter_add(dtype, g, idx, idx_type, dx, outer, n, k, inner, middle, inner) == -1, "a good index is refused");
    expect_close(dtype, dx, back, outer * n * inner, 10 * (dtype <= APUS_FLOAT64) * NEAR(dtype), 0, "scatter, type %d, index %d, shape %d", dtype, idx_type, s);
    if (k < 2 || outer == 0) continue;
    put(idx_type, idx, k - 1, (double)n);
    expect(apus_take(size, x, idx, idx_type, y, outer, n, k, inner) == k - 1, "a bad index is not found");
    expect(apus_scatter_add(dtype, g, idx, idx_type, dx, outer, n, k, inner, 0, inner) == k - 1, "a bad index is not found");
    expect_close(dtype, y, wanted, outer * k * inner, 0, 0, "take with a bad index has written");
  }
}

static void take_along(void) {
  EACH_NUMBER(dtype) for (int t = 0; t < 3; t++) for (int s = 0; s < shape_count; s++) {
    const ptrdiff_t outer = shapes[s][0], n = shapes[s][1], inner = shapes[s][3], count = outer * inner;
    const int size = apus_dtype_size(dtype), idx_type = index_types[t];
    void *x = drawn(dtype, outer * n * inner, 0, 100), *idx = indices(idx_type, count, n), *y = room(count, (size_t)size);
    double *wanted = room(count, 8), *back = room(outer * n * inner, 8);
    void *dx = drawn(dtype, outer * n * inner, 0, 3);
    for (ptrdiff_t o = 0; o < outer; o++) for (ptrdiff_t i = 0; i < inner; i++) {
      const ptrdiff_t at = (o * n + place(idx_type, idx, o * inner + i, n)) * inner + i;
      wanted[o * inner + i] = back[at] = get(dtype, x, at);
    }
    expect(apus_take_along(size, x, idx, idx_type, y, outer, n, inner) == -1, "a good index is refused");
    expect_close(dtype, y, wanted, count, 0, 0, "take, type %d, index %d, shape %d", dtype, idx_type, s);
    expect(apus_scatter_along(dtype, y, idx, idx_type, dx, outer, n, inner) == -1, "a good index is refused");
    expect_close(dtype, dx, back, outer * n * inner, 0, 0, "scatter, type %d, index %d, shape %d", dtype, idx_type, s);
    if (count < 2) continue;
    put(idx_type, idx, count - 1, (double)n);
    expect(apus_take_along(size, x, idx, idx_type, y, outer, n, inner) == count - 1, "a bad index is not found");
    expect(apus_scatter_along(dtype, y, idx, idx_type, dx, outer, n, inner) == count - 1, "a bad index is not found");
  }
}

static void gather_rows(void) {
  EACH_SIZE(n) for (size_t bytes = 1; bytes < 300; bytes = bytes * 3 + 1) {
    uint8_t *from = drawn(APUS_UINT8, 50 * (ptrdiff_t)bytes, 0, 256), *to = room((ptrdiff_t)(n * bytes), 1);
    uint8_t *wanted = room((ptrdiff_t)(n * bytes), 1);
    int64_t *rows = drawn(APUS_INT64, (ptrdiff_t)n, 0, 50);
    for (size_t i = 0; i < n * bytes; i++) wanted[i] = from[(size_t)rows[i / bytes] * bytes + i % bytes];
    apus_gather_rows(to, from, bytes, rows, (ptrdiff_t)n);
    expect_same(to, wanted, n * bytes, "%zu rows of %zu bytes", n, bytes);
  }
}

const row index_rows[] = {
    {"apus_whole_numbers", whole_numbers},
    {"apus_take apus_scatter_add", take},
    {"apus_take_along apus_scatter_along", take_along},
    {"apus_gather_rows", gather_rows},
    {0},
};
