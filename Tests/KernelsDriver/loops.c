// Loops over many dimensions, and copies.
#include "driver.h"

// Where an operand of a loop is at each element of the output, by counting.
static ptrdiff_t offset(const apus_loop *loop, int operand, ptrdiff_t element) {
  ptrdiff_t at = 0;
  for (int d = loop->rank - 1; d >= 0; d--) {
    at += element % loop->shape[d] * loop->stride[operand][d];
    element /= loop->shape[d];
  }
  return at;
}

static const ptrdiff_t shapes[][3] = {{1, 1, 1}, {0, 3, 5}, {3, 5, 7}, {2, 33, 17}, {65, 1, 40}, {4, 70, 100}};
enum { shape_count = sizeof shapes / sizeof *shapes };

// Strides of shape in which operand `kind` lies: row-major, with the last two swapped, the first repeated, the last reversed or spread.
static void strides_of(const ptrdiff_t *shape, int kind, ptrdiff_t *strides) {
  strides[0] = shape[1] * shape[2], strides[1] = shape[2], strides[2] = 1;
  if (kind == 1) strides[1] = 1, strides[2] = shape[1];
  if (kind == 2) strides[0] = 0;
  if (kind == 3) strides[0] *= 2, strides[1] *= 2, strides[2] = 2;
}

// How many elements an operand reaches.
static ptrdiff_t extent(const ptrdiff_t *shape) { return 2 * shape[0] * shape[1] * shape[2] + 1; }

static apus_loop loop_of(int s, const int *kinds, int operands) {
  apus_loop loop = apus_loop_make(3, shapes[s]);
  for (int k = 0; k < operands; k++) {
    ptrdiff_t strides[3];
    strides_of(shapes[s], kinds[k], strides);
    apus_loop_set_strides(&loop, k, strides);
  }
  return loop;
}

static void unary(void) {
  for (int s = 0; s < shape_count; s++) {
    for (int kind = 0; kind < 4; kind++) {
      const apus_loop loop = loop_of(s, (int[]){kind, 0}, 2);
      const ptrdiff_t count = shapes[s][0] * shapes[s][1] * shapes[s][2];
      float *x = drawn(APUS_FLOAT32, extent(shapes[s]), -1, 1), *y = room(count, sizeof(float));
      double *wanted = room(count, sizeof(double));
      for (ptrdiff_t i = 0; i < count; i++) wanted[i] = -x[offset(&loop, 0, i)];
      apus_run_unary(apus_unary(APUS_NEG, APUS_FLOAT32), &loop, 4, x, 4, y);
      expect_close(APUS_FLOAT32, y, wanted, count, 0, 0, "shape %d, strides %d", s, kind);
      // The same after collapsing beforehand.
      apus_loop less = loop;
      apus_loop_collapse(&less, 2);
      expect(less.rank <= loop.rank, "collapsing makes no rank of %d", less.rank);
      if (kind == 0 && count > 1) expect(less.rank == 1 && less.shape[0] == count, "shape %d is not one run", s);
      memset(y, 0, (size_t)count * sizeof(float));
      apus_run_unary(apus_unary(APUS_NEG, APUS_FLOAT32), &less, 4, x, 4, y);
      expect_close(APUS_FLOAT32, y, wanted, count, 0, 0, "collapsed shape %d, strides %d", s, kind);
    }
  }
}

static void binary(void) {
  for (int s = 0; s < shape_count; s++) {
    for (int kinds = 0; kinds < 16; kinds++) {
      const apus_loop loop = loop_of(s, (int[]){kinds % 4, kinds / 4, 0}, 3);
      const ptrdiff_t count = shapes[s][0] * shapes[s][1] * shapes[s][2];
      double *a = drawn(APUS_FLOAT64, extent(shapes[s]), -1, 1), *b = drawn(APUS_FLOAT64, extent(shapes[s]), -1, 1);
      double *y = room(count, sizeof(double)), *wanted = room(count, sizeof(double));
      for (ptrdiff_t i = 0; i < count; i++) wanted[i] = a[offset(&loop, 0, i)] - b[offset(&loop, 1, i)];
      apus_run_binary(apus_binary(APUS_SUB, APUS_FLOAT64), &loop, 8, a, 8, b, 8, y);
      expect_close(APUS_FLOAT64, y, wanted, count, 0, 0, "shape %d, strides %d", s, kinds);
    }
  }
}

static void selection(void) {
  for (int s = 0; s < shape_count; s++) {
    for (int kinds = 0; kinds < 4; kinds++) {
      const apus_loop loop = loop_of(s, (int[]){kinds, (kinds + 1) % 4, (kinds + 2) % 4, 0}, 4);
      const ptrdiff_t count = shapes[s][0] * shapes[s][1] * shapes[s][2];
      uint8_t *c = drawn(APUS_BOOL, extent(shapes[s]), 0, 1);
      float *a = drawn(APUS_FLOAT32, extent(shapes[s]), -1, 1), *b = drawn(APUS_FLOAT32, extent(shapes[s]), -1, 1);
      float *y = room(count, sizeof(float));
      double *wanted = room(count, sizeof(double));
      for (ptrdiff_t i = 0; i < count; i++) wanted[i] = c[offset(&loop, 0, i)] ? a[offset(&loop, 1, i)] : b[offset(&loop, 2, i)];
      apus_run_select(apus_select(APUS_FLOAT32), &loop, 4, c, a, b, y);
      expect_close(APUS_FLOAT32, y, wanted, count, 0, 0, "shape %d, strides %d", s, kinds);
    }
  }
}

static void copy(void) {
  const int types[] = {APUS_UINT8, APUS_FLOAT32, APUS_FLOAT64};
  for (int t = 0; t < 3; t++) {
    const int dtype = types[t], size = apus_dtype_size(dtype);
    for (int s = 0; s < shape_count; s++) {
      for (int kinds = 0; kinds < 16; kinds++) {
        if (kinds / 4 == 2) continue;  // an output is not repeated
        const apus_loop loop = loop_of(s, (int[]){kinds % 4, kinds / 4}, 2);
        const ptrdiff_t count = shapes[s][0] * shapes[s][1] * shapes[s][2];
        void *x = drawn(dtype, extent(shapes[s]), 0, 250), *y = room(extent(shapes[s]), (size_t)size), *wanted = copied(y);
        for (ptrdiff_t i = 0; i < count; i++) put(dtype, wanted, offset(&loop, 1, i), get(dtype, x, offset(&loop, 0, i)));
        apus_copy_strided(&loop, size, x, y);
        expect_same(y, wanted, (size_t)(extent(shapes[s]) * size), "type %d, shape %d, strides %d", dtype, s, kinds);
      }
    }
  }
}

static void transpose(void) {
  const int types[] = {APUS_UINT8, APUS_FLOAT32, APUS_FLOAT64};
  for (int t = 0; t < 3; t++) {
    const int dtype = types[t], size = apus_dtype_size(dtype);
    for (int i = 0; i < 11 * 11; i++) {
      const ptrdiff_t rows = sizes[i % 11], columns = sizes[i / 11];
      void *x = drawn(dtype, rows * columns, 0, 250), *y = room(rows * columns, (size_t)size), *wanted = room(rows * columns, (size_t)size);
      for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < columns; c++) put(dtype, wanted, c * rows + r, get(dtype, x, r * columns + c));
      }
      apus_transpose2d(size, x, y, rows, columns);
      expect_same(y, wanted, (size_t)(rows * columns * size), "type %d, %td x %td", dtype, rows, columns);
    }
  }
}

const row loop_rows[] = {
    {"apus_run_unary apus_loop_make apus_loop_set_strides apus_loop_collapse", unary},
    {"apus_run_binary", binary},
    {"apus_run_select", selection},
    {"apus_copy_strided", copy},
    {"apus_transpose2d", transpose},
    {0},
};
