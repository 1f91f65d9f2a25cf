// The driver of loops over many dimensions: counts over the outer ones, leaves the innermost to a
// kernel.
#include "kernel.h"
#include "transpose.h"

apus_loop apus_loop_make(int rank, const ptrdiff_t *shape) {
  apus_loop loop;
  memset(&loop, 0, sizeof loop);
  loop.rank = rank;
  for (int d = 0; d < rank; d++) loop.shape[d] = shape[d];
  return loop;
}

void apus_loop_set_strides(apus_loop *loop, int k, const ptrdiff_t *strides) {
  for (int d = 0; d < loop->rank; d++) loop->stride[k][d] = strides[d];
}

void apus_loop_collapse(apus_loop *loop, int operands) {
  int last = -1;  // the dimension that the next one may be merged into
  for (int d = 0; d < loop->rank; d++) {
    const ptrdiff_t count = loop->shape[d];
    if (count == 1) continue;
    int merge = last >= 0;
    for (int k = 0; merge && k < operands; k++) {
      merge = loop->stride[k][last] == loop->stride[k][d] * count;
    }
    if (merge) {
      loop->shape[last] *= count;
    } else {
      last++;
      loop->shape[last] = count;
    }
    for (int k = 0; k < operands; k++) loop->stride[k][last] = loop->stride[k][d];
  }
  loop->rank = last + 1;
}

// One run of the innermost dimension: `stride` in elements.
typedef void (*run_fn)(const void *context, char *const *pointer, const ptrdiff_t *stride,
                       ptrdiff_t n);

// Calls `run` for each combination of the first `counted` dimensions of a collapsed loop.
static void count_over(const apus_loop *loop, int counted, int operands, const int *size,
                       char **pointer, const ptrdiff_t *stride, ptrdiff_t n, run_fn run,
                       const void *context) {
  ptrdiff_t index[APUS_MAX_RANK] = {0};
  for (;;) {
    run(context, pointer, stride, n);
    int d = counted - 1;
    for (; d >= 0; d--) {
      if (++index[d] < loop->shape[d]) {
        for (int k = 0; k < operands; k++) pointer[k] += loop->stride[k][d] * size[k];
        break;
      }
      index[d] = 0;
      for (int k = 0; k < operands; k++) {
        pointer[k] -= loop->stride[k][d] * size[k] * (loop->shape[d] - 1);
      }
    }
    if (d < 0) return;
  }
}

static int is_empty(const apus_loop *loop) {
  for (int d = 0; d < loop->rank; d++) {
    if (loop->shape[d] <= 0) return 1;
  }
  return 0;
}

static void drive(const apus_loop *given, int operands, const int *size, char **pointer, run_fn run,
                  const void *context) {
  if (is_empty(given)) return;
  ptrdiff_t stride[4] = {1, 1, 1, 1};
  if (given->rank <= 1) {
    const ptrdiff_t n = given->rank == 0 ? 1 : given->shape[0];
    for (int k = 0; n > 1 && k < operands; k++) stride[k] = given->stride[k][0];
    run(context, pointer, stride, n);
    return;
  }
  apus_loop loop = *given;
  apus_loop_collapse(&loop, operands);
  const int inner = loop.rank - 1;
  const ptrdiff_t n = inner < 0 ? 1 : loop.shape[inner];
  for (int k = 0; inner >= 0 && k < operands; k++) stride[k] = loop.stride[k][inner];
  count_over(&loop, inner, operands, size, pointer, stride, n, run, context);
}

static void run_unary(const void *fn, char *const *p, const ptrdiff_t *stride, ptrdiff_t n) {
  (*(const apus_unary_fn *)fn)(p[0], stride[0], p[1], n);
}

static void run_binary(const void *fn, char *const *p, const ptrdiff_t *stride, ptrdiff_t n) {
  (*(const apus_binary_fn *)fn)(p[0], stride[0], p[1], stride[1], p[2], n);
}

static void run_select(const void *fn, char *const *p, const ptrdiff_t *stride, ptrdiff_t n) {
  (*(const apus_select_fn *)fn)(p[0], stride[0], p[1], stride[1], p[2], stride[2], p[3], n);
}

void apus_run_unary(apus_unary_fn fn, const apus_loop *loop, int sizex, const void *x, int sizey,
                    void *y) {
  char *pointer[] = {(char *)x, y};
  drive(loop, 2, (const int[]){sizex, sizey}, pointer, run_unary, &fn);
}

void apus_run_binary(apus_binary_fn fn, const apus_loop *loop, int sizea, const void *a, int sizeb,
                     const void *b, int sizey, void *y) {
  char *pointer[] = {(char *)a, (char *)b, y};
  drive(loop, 3, (const int[]){sizea, sizeb, sizey}, pointer, run_binary, &fn);
}

void apus_run_select(apus_select_fn fn, const apus_loop *loop, int size, const void *c,
                     const void *a, const void *b, void *y) {
  char *pointer[] = {(char *)c, (char *)a, (char *)b, y};
  drive(loop, 4, (const int[]){1, size, size, size}, pointer, run_select, &fn);
}

// MARK: Copies

#define APUS_COPY_RUN(T)                                                            \
  {                                                                                 \
    const T *x = (const T *)p[0];                                                   \
    T *y = (T *)p[1];                                                               \
    if (sy == 1 && sx == 0) {                                                       \
      const T value = x[0];                                                         \
      for (ptrdiff_t i = 0; i < n; i++) y[i] = value;                               \
    } else {                                                                        \
      for (ptrdiff_t i = 0; i < n; i++) y[i * sy] = x[i * sx];                      \
    }                                                                               \
    break;                                                                          \
  }

static void run_copy(const void *context, char *const *p, const ptrdiff_t *stride, ptrdiff_t n) {
  const int size = *(const int *)context;
  const ptrdiff_t sx = stride[0], sy = stride[1];
  if (sx == 1 && sy == 1) {
    memcpy(p[1], p[0], (size_t)(n * size));
    return;
  }
  switch (size) {
    case 1: APUS_COPY_RUN(uint8_t)
    case 2: APUS_COPY_RUN(uint16_t)
    case 4: APUS_COPY_RUN(uint32_t)
    case 8: APUS_COPY_RUN(uint64_t)
    default:
      for (ptrdiff_t i = 0; i < n; i++) {
        memcpy(p[1] + i * sy * size, p[0] + i * sx * size, (size_t)size);
      }
  }
}

// A transposition within a copy: dimension `column` of x and the last one of y are contiguous.
typedef struct {
  int size;
  ptrdiff_t rows, row_stride_x, row_stride_y;
} transposition;

static void run_transpose(const void *context, char *const *p, const ptrdiff_t *stride,
                          ptrdiff_t n) {
  const transposition *t = context;
  (void)stride;
  apus_transpose_strided(t->size, p[0], t->row_stride_x, p[1], t->row_stride_y, t->rows, n);
}

void apus_copy_strided(const apus_loop *given, int size, const void *x, void *y) {
  char *pointer[] = {(char *)x, y};
  const int sizes[] = {size, size};
  apus_loop loop = *given;
  if (is_empty(&loop)) return;
  apus_loop_collapse(&loop, 2);
  const int last = loop.rank - 1;
  if (last < 1 || loop.stride[1][last] != 1 || loop.stride[0][last] <= 1) {
    drive(&loop, 2, sizes, pointer, run_copy, &size);
    return;
  }
  int column = last - 1;
  while (column >= 0 && loop.stride[0][column] != 1) column--;
  if (column < 0) {
    drive(&loop, 2, sizes, pointer, run_copy, &size);
    return;
  }
  // The last dimension gives the rows of x, `column` its columns; count over the others.
  const transposition t = {
      .size = size, .rows = loop.shape[last], .row_stride_x = loop.stride[0][last],
      .row_stride_y = loop.stride[1][column]};
  const ptrdiff_t columns = loop.shape[column], stride[4] = {1, 1, 1, 1};
  for (int d = column; d < last - 1; d++) {
    loop.shape[d] = loop.shape[d + 1];
    for (int k = 0; k < 2; k++) loop.stride[k][d] = loop.stride[k][d + 1];
  }
  count_over(&loop, last - 1, 2, sizes, pointer, stride, columns, run_transpose, &t);
}
