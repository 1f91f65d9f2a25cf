// Reductions along an axis, sums over rows, sorting.
#include "driver.h"

static const char *const names[] = {"sum", "prod", "max", "min", "argmax", "argmin", "any", "all", "norm"};

// The result of n elements that are `step` apart, and the sum of magnitudes that its error is measured by.
static double plain(int op, int dtype, const void *x, ptrdiff_t first, ptrdiff_t n, ptrdiff_t step, double *scale) {
  double result = op == APUS_PROD || op == APUS_ALL ? 1 : 0, best = 0;
  *scale = 0;
  if (op == APUS_RMAX || op == APUS_RMIN) {
    const double high = dtype == APUS_INT32   ? 0x1p31 - 1
                        : dtype == APUS_INT64 ? 0x1p63
                        : dtype == APUS_UINT8 ? 255
                        : dtype == APUS_BOOL  ? 1
                                              : (double)INFINITY;
    const double low = dtype >= APUS_UINT8 ? 0 : dtype <= APUS_FLOAT64 ? -(double)INFINITY : -high - (dtype == APUS_INT32);
    result = op == APUS_RMAX ? low : high;
  }
  for (ptrdiff_t i = 0; i < n; i++) {
    const double u = get(dtype, x, first + i * step);
    *scale += fabs(u);
    switch (op) {
      case APUS_SUM: result += u; break;
      case APUS_PROD: result *= u; break;
      case APUS_RMAX: result = result != result || u <= result ? result : u; break;
      case APUS_RMIN: result = result != result || u >= result ? result : u; break;
      case APUS_ARGMAX:
      case APUS_ARGMIN:
        if (i == 0 || (best == best && (u != u || (op == APUS_ARGMAX ? u > best : u < best)))) best = u, result = (double)i;
        break;
      case APUS_ANY: result = result != 0 || u != 0; break;
      case APUS_ALL: result = result != 0 && u != 0; break;
      default: result += u * u; break;
    }
  }
  return op == APUS_NORM ? sqrt(result) : result;
}

static const ptrdiff_t shapes[][3] = {{1, 0, 1}, {3, 0, 5}, {0, 4, 5},  {1, 1, 1},   {5, 3, 1},   {1, 67, 1},   {3, 1000, 1},
                                      {1, 5003, 1}, {2, 17, 3}, {3, 33, 16}, {1, 129, 67}, {2, 5, 1000}, {1, 2050, 5}};
enum { shape_count = sizeof shapes / sizeof *shapes };

static void reduce_of(int op, int dtype) {
  const apus_reduce_fn f = apus_reduce((apus_reduce_op)op, dtype);
  const int has = op <= APUS_PROD ? dtype < APUS_UINT8 : op == APUS_NORM ? dtype <= APUS_FLOAT64 : 1;
  expect(!f == !has, "%s of type %d: has a kernel: %d", names[op], dtype, f != NULL);
  if (!f || !has) return;
  const int result = op == APUS_ARGMAX || op == APUS_ARGMIN ? APUS_INT32 : op == APUS_ANY || op == APUS_ALL ? APUS_BOOL : dtype;
  for (int s = 0; s < shape_count; s++) {
    for (int special = 0; special < 2; special++) {
      const ptrdiff_t outer = shapes[s][0], n = shapes[s][1], inner = shapes[s][2], count = outer * n * inner;
      double low = dtype >= APUS_UINT8 ? 0 : -10, high = 10;
      if (op == APUS_PROD) low = dtype <= APUS_FLOAT64 ? 0.99 : 1, high = dtype <= APUS_FLOAT64 ? 1.01 : 1.9;
      if (op == APUS_ANY) low = 0, high = 1.0 / (double)(n + 1) + (dtype > APUS_FLOAT64);
      if (op == APUS_ALL) low = 1, high = 2;
      void *x = drawn(dtype, count, low, high);
      if (special && count > 0) {
        const ptrdiff_t at = count / 2;
        if (op == APUS_ANY || op == APUS_ALL) {
          for (ptrdiff_t i = 0; i < count; i++) put(dtype, x, i, op == APUS_ALL);
          put(dtype, x, at, op == APUS_ANY);
        } else if (dtype <= APUS_FLOAT64) {
          put(dtype, x, at, NAN);
        } else if (dtype != APUS_BOOL && op >= APUS_RMAX) {
          put(dtype, x, at, op == APUS_RMAX || op == APUS_ARGMAX ? 100 : 0);
        }
      }
      void *y = room(outer * inner, (size_t)apus_dtype_size(result));
      double *wanted = room(outer * inner, sizeof(double)), scale = 0, most = 0;
      for (ptrdiff_t o = 0; o < outer; o++) {
        for (ptrdiff_t i = 0; i < inner; i++) {
          wanted[o * inner + i] = plain(op, dtype, x, o * n * inner + i, n, inner, &scale);
          most = scale > most ? scale : most;
        }
      }
      f(x, y, outer, n, inner);
      const double near = op == APUS_PROD ? (double)n * NEAR(dtype) : op == APUS_NORM ? 2 * NEAR(dtype) : 0;
      const double far = op == APUS_SUM && dtype <= APUS_FLOAT64 ? most * NEAR(dtype) : 0;
      expect_close(result, y, wanted, outer * inner, near, far, "%s of type %d, shape %td %td %td", names[op], dtype, outer, n, inner);
    }
  }
}

static void reduce(void) {
  for (int op = APUS_SUM; op <= APUS_NORM; op++) {
    for (int dtype = APUS_FLOAT32; dtype <= APUS_BOOL; dtype++) reduce_of(op, dtype);
  }
}

static void cumsum(void) {
  EACH_NUMBER(dtype) for (int s = 0; s < shape_count; s++) for (int kind = 0; kind < 4; kind++) {
    const ptrdiff_t outer = shapes[s][0], n = shapes[s][1], inner = shapes[s][2], count = outer * n * inner;
    const int exclusive = kind & 1, reverse = kind / 2;
    void *x = drawn(dtype, count, 0, 2), *y = room(count, (size_t)apus_dtype_size(dtype));
    double *wanted = room(count, sizeof(double));
    for (ptrdiff_t o = 0; o < outer; o++) {
      for (ptrdiff_t i = 0; i < inner; i++) {
        double sum = 0;
        for (ptrdiff_t k = 0; k < n; k++) {
          const ptrdiff_t at = (o * n + (reverse ? n - 1 - k : k)) * inner + i;
          const double u = get(dtype, x, at);
          wanted[at] = exclusive ? sum : sum + u;
          if (dtype == APUS_UINT8) wanted[at] = (uint8_t)(int)wanted[at];
          sum += u;
        }
      }
    }
    apus_cumsum(dtype, x, y, outer, n, inner, exclusive, reverse);
    const double near = dtype == APUS_FLOAT32 ? 1e-6 : dtype == APUS_FLOAT64 ? 1e-12 : 0;
    expect_close(dtype, y, wanted, count, near, 0, "type %d, shape %d, kind %d", dtype, s, kind);
    apus_cumsum(dtype, x, x, outer, n, inner, exclusive, reverse);
    expect_same(x, y, (size_t)(count * apus_dtype_size(dtype)), "in place: type %d, shape %d, kind %d", dtype, s, kind);
  }
}

static void sort(void) {
  EACH_NUMBER(dtype) for (int s = 0; s < shape_count; s++) for (int descending = 0; descending < 2; descending++) {
    const ptrdiff_t outer = shapes[s][0], n = shapes[s][1], inner = shapes[s][2], count = outer * n * inner;
    void *x = drawn(dtype, count, 0, dtype <= APUS_FLOAT64 ? 1 : 20), *y = room(count, (size_t)apus_dtype_size(dtype));
    if (dtype <= APUS_FLOAT64 && count > 9) put(dtype, x, count / 3, NAN), put(dtype, x, count / 2, NAN);
    int32_t *places = room(count, sizeof(int32_t));
    apus_sort(dtype, x, y, places, outer, n, inner, descending, room(apus_sort_scratch(n), 1));
    int ordered = 1, found = 1;
    for (ptrdiff_t o = 0; o < outer; o++) {
      for (ptrdiff_t i = 0; i < inner; i++) {
        char *used = room(n, 1);
        for (ptrdiff_t k = 0; k < n; k++) {
          const ptrdiff_t at = (o * n + k) * inner + i, place = places[at];
          found = found && place >= 0 && place < n && !used[place]++;
          if (!found) break;
          const double u = get(dtype, y, at), source = get(dtype, x, (o * n + place) * inner + i);
          found = found && (u == source || (u != u && source != source));
          if (k == 0) continue;
          const double before = get(dtype, y, at - inner);
          const int equal = before == u || (before != before && u != u);
          const int larger = before != before || before > u;
          ordered = ordered && (equal ? places[at - inner] < place : descending ? larger : !larger);
        }
      }
    }
    expect(found, "type %d, shape %d, descending %d: not the elements of the input", dtype, s, descending);
    expect(ordered, "type %d, shape %d, descending %d: not in order, or not stable", dtype, s, descending);
  }
}

static void norm_part(void) {
  EACH_FLOAT(dtype) EACH_SIZE(n) for (int size = -1; size <= 1; size++) {
    // Squares of the large ones overflow float32, and of the small ones vanish.
    const double scale = size < 0 ? 1e-30 : size > 0 ? 1e30 : 1;
    void *x = drawn(dtype, (ptrdiff_t)n, -scale, scale);
    double part[2], sum = 0;
    apus_norm_part(dtype, x, (ptrdiff_t)n, part);
    for (size_t i = 0; i < n; i++) sum += get(dtype, x, (ptrdiff_t)i) * get(dtype, x, (ptrdiff_t)i);
    const double got = part[0] * sqrt(part[1]), wanted = sqrt(sum);
    expect_close(APUS_FLOAT64, &got, &wanted, 1, dtype == APUS_FLOAT32 ? NEAR(dtype) : 1e-13, 0, "type %d, %zu elements, scale %g", dtype, n, scale);
  }
}

static void column_sums(void) {
  for (int dtype = APUS_FLOAT32; dtype <= APUS_INT64; dtype++) for (int s = 0; s < shape_count; s++) {
    const ptrdiff_t rows = shapes[s][0] * shapes[s][1], columns = shapes[s][2];
    void *x = drawn(dtype, rows * columns, -9, 9), *y = room(columns, (size_t)apus_dtype_size(dtype));
    double *wanted = room(columns, sizeof(double)), most = 0, scale;
    for (ptrdiff_t c = 0; c < columns; c++) wanted[c] = plain(APUS_SUM, dtype, x, c, rows, columns, &scale), most = fmax(most, scale);
    apus_column_sums(dtype, x, y, rows, columns);
    expect_close(dtype, y, wanted, columns, 0, dtype <= APUS_FLOAT64 ? most * NEAR(dtype) : 0, "type %d, %td x %td", dtype, rows, columns);
  }
}

static void biases(void) {
  EACH_FLOAT(dtype) for (int s = 0; s < shape_count; s++) for (int kind = 0; kind < 3; kind++) {
    const ptrdiff_t rows = shapes[s][0] * shapes[s][1], columns = shapes[s][2], count = rows * columns;
    void *y = drawn(dtype, count, -1, 1), *bias = drawn(dtype, columns, -1, 1);
    double *wanted = room(count, sizeof(double));
    for (ptrdiff_t i = 0; i < count; i++) {
      const double sum = get(dtype, y, i) + get(dtype, bias, i % columns);
      wanted[i] = kind == 2 && sum < 0 ? 0 : sum;
    }
    if (kind == 0) {
      apus_bias_rows(dtype, bias, y, rows, columns);
    } else {
      apus_add_bias(dtype, y, bias, kind == 2, rows, columns);
    }
    expect_close(dtype, y, wanted, count, NEAR(dtype), NEAR(dtype) / 4, "kind %d, type %d, %td x %td", kind, dtype, rows, columns);
  }
}

static void accumulate(void) {
  for (int op = -1; op <= 2; op++) EACH_NUMBER(dtype) EACH_SIZE(n) {
    void *x = drawn(dtype, (ptrdiff_t)n, 0, 100), *y = drawn(dtype, (ptrdiff_t)n, 0, 100);
    if (dtype <= APUS_FLOAT64 && n > 40) put(dtype, x, 5, NAN), put(dtype, y, 33, NAN);
    double *wanted = room((ptrdiff_t)n, sizeof(double));
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) {
      const double a = get(dtype, y, i), b = get(dtype, x, i);
      wanted[i] = op <= 0 ? a + b : a != a || b != b ? NAN : op == 1 ? fmin(a, b) : fmax(a, b);
    }
    if (op < 0) {
      apus_accumulate(dtype, x, y, (ptrdiff_t)n);
    } else {
      apus_combine(op, dtype, x, y, (ptrdiff_t)n);
    }
    expect_close(dtype, y, wanted, (ptrdiff_t)n, dtype <= APUS_FLOAT64 ? NEAR(dtype) : 0, 0, "operation %d, type %d, %zu elements", op, dtype, n);
  }
}

static void combine_ranks(void) {
  enum { most = 4 };
  for (int op = 0; op <= 2; op++) EACH_NUMBER(dtype) EACH_SIZE(n) for (int ranks = 1; ranks <= most; ranks++) {
    const ptrdiff_t start = n > 16 ? 3 : 0, count = (ptrdiff_t)n - 2 * start;
    void *arrays[most];
    for (int r = 0; r < ranks; r++) arrays[r] = drawn(dtype, (ptrdiff_t)n, 0, 50);
    if (dtype <= APUS_FLOAT64 && n > 40) {
      put(dtype, arrays[0], 5, NAN), put(dtype, arrays[ranks - 1], 33, NAN);
      for (int r = 0; r < ranks; r++) put(dtype, arrays[r], 7, r % 2 == 0 ? 0.0 : -0.0);
    }
    double *wanted[most];
    for (int r = 0; r < ranks; r++) {
      wanted[r] = room((ptrdiff_t)n, sizeof(double));
      for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) {
        if (i < start || i >= start + count) {
          wanted[r][i] = get(dtype, arrays[r], i);
          continue;
        }
        double y = get(dtype, arrays[0], i);
        for (int other = 1; other < ranks; other++) {
          const double x = get(dtype, arrays[other], i);
          y = op == 0 ? y + x : y != y || x != x ? NAN : op == 1 ? fmin(y, x) : fmax(y, x);
        }
        wanted[r][i] = y;
      }
    }
    apus_combine_ranks(op, dtype, arrays, ranks, start, count);
    for (int r = 0; r < ranks; r++) {
      expect_close(dtype, arrays[r], wanted[r], (ptrdiff_t)n, dtype <= APUS_FLOAT64 ? 2 * NEAR(dtype) : 0, 0, "operation %d, type %d, %zu elements, rank %d of %d", op, dtype, n, r, ranks);
      if (dtype <= APUS_FLOAT64 && n > 40 && ranks > 1 && op > 0) {
        expect(signbit(get(dtype, arrays[r], 7)) == (op == 1), "the sign of zero, operation %d", op);
      }
    }
  }
}

static void all_finite(void) {
  EACH_FLOAT(dtype) EACH_SIZE(n) {
    void *x = drawn(dtype, (ptrdiff_t)n, -1e30, 1e30);
    expect(apus_all_finite(dtype, x, (ptrdiff_t)n) == 1, "type %d, %zu finite numbers", dtype, n);
    for (size_t bad = 0; bad < n; bad += 1 + bad / 7) {
      const double before = get(dtype, x, (ptrdiff_t)bad);
      put(dtype, x, (ptrdiff_t)bad, bad % 3 == 0 ? (double)NAN : bad % 3 == 1 ? (double)INFINITY : -(double)INFINITY);
      expect(apus_all_finite(dtype, x, (ptrdiff_t)n) == 0, "type %d, number %zu of %zu", dtype, bad, n);
      put(dtype, x, (ptrdiff_t)bad, before);
    }
  }
  expect(apus_all_finite(APUS_INT32, (int32_t[]){1, -1}, 2) == 1, "integers");
}

const row reduction_rows[] = {
    {"apus_reduce", reduce},
    {"apus_cumsum", cumsum},
    {"apus_sort apus_sort_scratch", sort},
    {"apus_norm_part", norm_part},
    {"apus_column_sums", column_sums},
    {"apus_bias_rows apus_add_bias", biases},
    {"apus_accumulate apus_combine", accumulate},
    {"apus_combine_ranks", combine_ranks},
    {"apus_all_finite", all_finite},
    {0},
};
