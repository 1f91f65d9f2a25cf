// Rows of numbers: softmax, layer normalisation, cross-entropy; labels of a sequence.
#include "driver.h"

static const ptrdiff_t rows_and_columns[][2] = {{0, 5}, {1, 1}, {3, 2}, {5, 7}, {4, 16}, {3, 17}, {2, 33}, {7, 100}, {2, 1000}, {1, 5003}};
enum { shape_count = sizeof rows_and_columns / sizeof *rows_and_columns };
#define EACH_SHAPE(dtype, rows, columns)                                                            \
  EACH_FLOAT(dtype) for (int s = 0; s < shape_count; s++)                                           \
      for (ptrdiff_t rows = rows_and_columns[s][0], columns = rows_and_columns[s][1], once = 1; once; once = 0)

static void softmax(void) {
  EACH_SHAPE(dtype, rows, columns) for (int is_log = 0; is_log < 2; is_log++) {
    const ptrdiff_t count = rows * columns;
    void *x = drawn(dtype, count, -20, 20), *y = room(count, (size_t)apus_dtype_size(dtype));
    double *wanted = room(count, sizeof(double));
    for (ptrdiff_t r = 0; r < rows; r++) {
      double top = -INFINITY, sum = 0;
      for (ptrdiff_t c = 0; c < columns; c++) top = fmax(top, get(dtype, x, r * columns + c));
      for (ptrdiff_t c = 0; c < columns; c++) sum += exp(get(dtype, x, r * columns + c) - top);
      for (ptrdiff_t c = 0; c < columns; c++) {
        const double u = get(dtype, x, r * columns + c) - top;
        wanted[r * columns + c] = is_log ? u - log(sum) : exp(u) / sum;
      }
    }
    void (*f)(int, const void *, void *, ptrdiff_t, ptrdiff_t) = is_log ? apus_log_softmax : apus_softmax;
    f(dtype, x, y, rows, columns);
    expect_close(dtype, y, wanted, count, 10 * NEAR(dtype), is_log ? NEAR(dtype) : 0, "log %d, type %d, %td x %td", is_log, dtype, rows, columns);
    f(dtype, x, x, rows, columns);
    expect_same(x, y, (size_t)(count * apus_dtype_size(dtype)), "in place: log %d, type %d, %td x %td", is_log, dtype, rows, columns);
  }
}

static void softmax_grad(void) {
  EACH_SHAPE(dtype, rows, columns) for (int is_log = 0; is_log < 2; is_log++) {
    const ptrdiff_t count = rows * columns;
    void *y = drawn(dtype, count, is_log ? -9 : 0, is_log ? 0 : 1), *g = drawn(dtype, count, -1, 1);
    void *dx = room(count, (size_t)apus_dtype_size(dtype));
    double *wanted = room(count, sizeof(double)), far = 0;
    for (ptrdiff_t r = 0; r < rows; r++) {
      double sum = 0, size = 0;
      for (ptrdiff_t c = r * columns; c < (r + 1) * columns; c++) {
        sum += is_log ? get(dtype, g, c) : get(dtype, g, c) * get(dtype, y, c);
        size += fabs(get(dtype, g, c));
      }
      for (ptrdiff_t c = r * columns; c < (r + 1) * columns; c++) {
        const double u = get(dtype, y, c), v = get(dtype, g, c);
        wanted[c] = is_log ? v - exp(u) * sum : u * (v - sum);
      }
      far = fmax(far, (size + 1) * NEAR(dtype));
    }
    (is_log ? apus_log_softmax_grad : apus_softmax_grad)(dtype, y, g, dx, rows, columns);
    expect_close(dtype, dx, wanted, count, 4 * NEAR(dtype), far, "log %d, type %d, %td x %td", is_log, dtype, rows, columns);
  }
}

// Mean and 1/deviation of a row.
static void moments(int dtype, const void *x, ptrdiff_t first, ptrdiff_t columns, double *mean, double *rstd) {
  double sum = 0, squares = 0;
  for (ptrdiff_t c = 0; c < columns; c++) sum += get(dtype, x, first + c);
  *mean = sum / (double)columns;
  for (ptrdiff_t c = 0; c < columns; c++) squares += pow(get(dtype, x, first + c) - *mean, 2);
  *rstd = 1 / sqrt(squares / (double)columns + 1e-3);
}

static void layer_norm(void) {
  EACH_SHAPE(dtype, rows, columns) {
    const ptrdiff_t count = rows * columns;
    const size_t size = (size_t)apus_dtype_size(dtype);
    void *x = drawn(dtype, count, -3, 5), *gamma = drawn(dtype, columns, 0.5, 2), *beta = drawn(dtype, columns, -1, 1);
    void *y = room(count, size), *z = room(count, size), *mean = room(rows, size), *rstd = room(rows, size);
    double *plain = room(count, sizeof(double)), *scaled = room(count, sizeof(double));
    double *means = room(rows, sizeof(double)), *factors = room(rows, sizeof(double));
    for (ptrdiff_t r = 0; r < rows; r++) {
      moments(dtype, x, r * columns, columns, &means[r], &factors[r]);
      for (ptrdiff_t c = 0; c < columns; c++) {
        const ptrdiff_t i = r * columns + c;
        plain[i] = (get(dtype, x, i) - means[r]) * factors[r];
        scaled[i] = plain[i] * get(dtype, gamma, c) + get(dtype, beta, c);
      }
    }
    const double near = 10 * NEAR(dtype), far = 10 * NEAR(dtype);
    for (int kind = 0; kind < 2; kind++) {
      apus_layer_norm(dtype, x, y, kind ? NULL : mean, kind ? NULL : rstd, rows, columns, 1e-3);
      expect_close(dtype, y, plain, count, near, far * 3, "y, type %d, %td x %td", dtype, rows, columns);
    }
    expect_close(dtype, mean, means, rows, near, far, "mean, type %d, %td x %td", dtype, rows, columns);
    expect_close(dtype, rstd, factors, rows, near, 0, "1/deviation, type %d, %td x %td", dtype, rows, columns);
    apus_scaled_layer_norm(dtype, x, gamma, beta, z, mean, rstd, rows, columns, 1e-3);
    expect_close(dtype, z, scaled, count, near, far * 6, "scaled, type %d, %td x %td", dtype, rows, columns);
    expect_close(dtype, mean, means, rows, near, far, "scaled: mean, type %d, %td x %td", dtype, rows, columns);
    expect_close(dtype, rstd, factors, rows, near, 0, "scaled: 1/deviation, type %d, %td x %td", dtype, rows, columns);
  }
}

static void layer_norm_grad(void) {
  EACH_SHAPE(dtype, rows, columns) {
    const ptrdiff_t count = rows * columns;
    const size_t size = (size_t)apus_dtype_size(dtype);
    void *x = drawn(dtype, count, -3, 5), *g = drawn(dtype, count, -1, 1), *gamma = drawn(dtype, columns, 0.5, 2);
    void *y = room(count, size), *mean = room(rows, size), *rstd = room(rows, size), *dx = room(count, size), *ds = room(count, size);
    void *dgamma = drawn(dtype, columns, -1, 1), *dbeta = drawn(dtype, columns, -1, 1);
    double *plain = room(count, sizeof(double)), *scaled = room(count, sizeof(double));
    double *sums_g = room(columns, sizeof(double)), *sums_b = room(columns, sizeof(double));
    for (ptrdiff_t c = 0; c < columns; c++) sums_g[c] = get(dtype, dgamma, c), sums_b[c] = get(dtype, dbeta, c);
    // A rounded mean is off in units of the deviation, and the gradient is in units of it once more.
    double steepest = 1;
    for (ptrdiff_t r = 0; r < rows; r++) {
      double m, f;
      moments(dtype, x, r * columns, columns, &m, &f);
      put(dtype, mean, r, m);
      put(dtype, rstd, r, f);
      steepest = fmax(steepest, f * f);
      for (int is_scaled = 0; is_scaled < 2; is_scaled++) {
        double sum = 0, dot = 0;
        for (ptrdiff_t c = 0; c < columns; c++) {
          const ptrdiff_t i = r * columns + c;
          const double u = (get(dtype, x, i) - m) * f, v = get(dtype, g, i) * (is_scaled ? get(dtype, gamma, c) : 1);
          put(dtype, y, i, u);
          sum += v, dot += u * v;
          if (is_scaled) sums_g[c] += u * get(dtype, g, i), sums_b[c] += get(dtype, g, i);
        }
        for (ptrdiff_t c = 0; c < columns; c++) {
          const ptrdiff_t i = r * columns + c;
          const double u = (get(dtype, x, i) - m) * f, v = get(dtype, g, i) * (is_scaled ? get(dtype, gamma, c) : 1);
          (is_scaled ? scaled : plain)[i] = f * (v - sum / (double)columns - u * dot / (double)columns);
        }
      }
    }
    const double near = 20 * NEAR(dtype), far = 20 * steepest * NEAR(dtype);
    apus_layer_norm_grad(dtype, y, rstd, g, dx, rows, columns);
    expect_close(dtype, dx, plain, count, near, far, "type %d, %td x %td", dtype, rows, columns);
    apus_scaled_layer_norm_grad(dtype, x, mean, rstd, gamma, g, ds, dgamma, dbeta, rows, columns);
    expect_close(dtype, ds, scaled, count, near, far, "scaled, type %d, %td x %td", dtype, rows, columns);
    expect_close(dtype, dgamma, sums_g, columns, near, far, "scale, type %d, %td x %td", dtype, rows, columns);
    expect_close(dtype, dbeta, sums_b, columns, near, far, "offset, type %d, %td x %td", dtype, rows, columns);
  }
}

static void cross_entropy(void) {
  EACH_SHAPE(dtype, rows, columns) {
    const ptrdiff_t count = rows * columns;
    const size_t size = (size_t)apus_dtype_size(dtype);
    void *x = drawn(dtype, count, -9, 9), *g = drawn(dtype, rows, -1, 1), *y = room(rows, size), *norms = room(2 * rows, size);
    void *dx = room(count, size);
    int32_t *labels = drawn(APUS_INT32, rows, 0, (double)columns);
    double *losses = room(rows, sizeof(double)), *slopes = room(count, sizeof(double));
    for (ptrdiff_t r = 0; r < rows; r++) {
      double sum = 0;
      for (ptrdiff_t c = 0; c < columns; c++) sum += exp(get(dtype, x, r * columns + c));
      losses[r] = log(sum) - get(dtype, x, r * columns + labels[r]);
      for (ptrdiff_t c = 0; c < columns; c++) {
        slopes[r * columns + c] = get(dtype, g, r) * (exp(get(dtype, x, r * columns + c)) / sum - (c == labels[r]));
      }
    }
    apus_cross_entropy(dtype, x, labels, y, norms, rows, columns);
    expect_close(dtype, y, losses, rows, 5 * NEAR(dtype), 5 * NEAR(dtype), "type %d, %td x %td", dtype, rows, columns);
    apus_cross_entropy_grad(dtype, x, labels, norms, g, dx, rows, columns);
    expect_close(dtype, dx, slopes, count, 10 * NEAR(dtype), NEAR(dtype), "gradient, type %d, %td x %td", dtype, rows, columns);
  }
}

// Labels of a sequence, by going through everything that could be said: each of `classes` to the power of `steps` ways.
static void ctc(void) {
  enum { most_time = 5, classes = 3, longest = 3, count = 6, blank = 0 };
  const int32_t labels[count][longest] = {{1, 2, 1}, {1, 1, 2}, {2, 1, 1}, {1, 0, 0}, {2, 2, 0}, {1, 2, 2}};
  const int32_t lengths[count] = {3, 2, 2, 0, 2, 3}, steps[count] = {5, 5, 4, 3, 3, 4};
  EACH_FLOAT(dtype) {
    const size_t size = (size_t)apus_dtype_size(dtype);
    void *x = drawn(dtype, count * most_time * classes, -3, 0), *g = drawn(dtype, count, 0.5, 1.5);
    void *loss = room(count, size), *dx = room(count * most_time * classes, size);
    double *losses = room(count, sizeof(double)), *slopes = room(count * most_time * classes, sizeof(double));
    for (int i = 0; i < count; i++) {
      double total = 0, *at = slopes + i * most_time * classes;
      int ways = 1;
      for (int t = 0; t < steps[i]; t++) ways *= classes;
      for (int way = 0; way < ways; way++) {
        int said[most_time], heard[most_time], length = 0;
        double weight = 0;
        for (int t = 0, rest = way; t < steps[i]; t++, rest /= classes) {
          said[t] = rest % classes;
          weight += get(dtype, x, (i * most_time + t) * classes + said[t]);
          if (said[t] != blank && (t == 0 || said[t] != said[t - 1])) heard[length++] = said[t];
        }
        int same = length == lengths[i];
        for (int k = 0; same && k < length; k++) same = heard[k] == labels[i][k];
        if (!same) continue;
        total += exp(weight);
        for (int t = 0; t < steps[i]; t++) at[t * classes + said[t]] += exp(weight);
      }
      losses[i] = -log(total);
      for (int k = 0; k < most_time * classes; k++) at[k] *= -get(dtype, g, i) / total;
    }
    apus_ctc(dtype, x, labels[0], lengths, steps, loss, count, most_time, classes, longest, blank,
             room(apus_ctc_scratch(most_time, longest, 0), 1));
    expect_close(dtype, loss, losses, count, 4 * NEAR(dtype), 0, "type %d", dtype);
    apus_ctc_grad(dtype, x, labels[0], lengths, steps, g, dx, count, most_time, classes, longest, blank,
                  room(apus_ctc_scratch(most_time, longest, 1), 1));
    expect_close(dtype, dx, slopes, count * most_time * classes, 4 * NEAR(dtype), NEAR(dtype), "gradient, type %d", dtype);
  }
}

const row sequence_rows[] = {
    {"apus_softmax apus_log_softmax", softmax},
    {"apus_softmax_grad apus_log_softmax_grad", softmax_grad},
    {"apus_layer_norm apus_scaled_layer_norm", layer_norm},
    {"apus_layer_norm_grad apus_scaled_layer_norm_grad", layer_norm_grad},
    {"apus_cross_entropy apus_cross_entropy_grad", cross_entropy},
    {"apus_ctc apus_ctc_grad apus_ctc_scratch", ctc},
    {0},
};
