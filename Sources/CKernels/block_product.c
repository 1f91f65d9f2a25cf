// Products of small matrices: one rectangle of the result at a time stays in registers.
//
// The rectangle depends on how many registers a CPU has, and how wide they are, so that the levels
// are written out instead of cloned.
#include "block_product.h"
#include "gemm_sizes.h"
#include "transpose.h"

// NEON has 32 registers, for 16 sums, two vectors of the right factor and what is repeated of the left one; SSE has 16.
#if defined(__aarch64__)
#define HEIGHT 8
#define TALL 8
#else
#define HEIGHT 4
#define TALL 4
#endif
#define LEVEL baseline
#define TARGET
#define VECTOR apus_vector_4
#define LANES 4
#define WIDTH 2
#include "strip_product.h"

#if APUS_HAS_CLONES

#define LEVEL v3
#define TARGET APUS_V3
#define VECTOR apus_vector_8
#define LANES 8
#define HEIGHT 4
#define WIDTH 3
#define TALL 6
#include "strip_product.h"

#define LEVEL v4
#define TARGET APUS_V4
#define VECTOR apus_vector_16
#define LANES 16
#define HEIGHT 8
#define WIDTH 3
#define TALL 8
#include "strip_product.h"

#define APUS_FOR_LEVEL(call)                   \
  switch (apus_cpu_level()) {                  \
    case 4: call(v4); return;                  \
    case 3: call(v3); return;                  \
    default: call(baseline); return;           \
  }

#else
#define APUS_FOR_LEVEL(call) call(baseline);
#endif

static ptrdiff_t lanes(void) {
  const int level = apus_cpu_level();
  return level == 4 ? 16 : level == 3 ? 8 : 4;
}

ptrdiff_t apus_whole_columns(ptrdiff_t columns) {
  const ptrdiff_t whole = lanes();
  return (columns + whole - 1) / whole * whole;
}

// No strip of one register beside one of three: two of two are faster.
ptrdiff_t apus_strip_columns(ptrdiff_t columns) {
  const ptrdiff_t length = lanes(), vectors = (columns + length - 1) / length;
  const ptrdiff_t most = apus_cpu_level() < 3 ? 2 : apus_gemm_sizes_here()->vectors;
  const ptrdiff_t width = most == 3 && vectors == 4 ? 2 : apus_min(most, vectors);
  return apus_min(width * length, columns);
}

void apus_strip_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add,
                        const apus_ahead *ahead) {
#define CALL(level) \
  strip_product_##level(a, b, b_row, c, c_row, rows, columns, depth, add, ahead)
  APUS_FOR_LEVEL(CALL)
#undef CALL
}

void apus_block_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add) {
  for (ptrdiff_t j = 0; j < columns;) {
    const ptrdiff_t width = apus_strip_columns(columns - j);
    apus_strip_product(a, b + j, b_row, c + j, c_row, rows, width, depth, add, NULL);
    j += width;
  }
}

void apus_pack_left(const float *a, ptrdiff_t a_depth, float *packed, ptrdiff_t rows,
                    ptrdiff_t depth) {
#define CALL(level) pack_left_##level(a, a_depth, packed, rows, depth)
  APUS_FOR_LEVEL(CALL)
#undef CALL
}

static void pack_rows(const float *b, ptrdiff_t b_row, const float *end, float *packed,
                      ptrdiff_t columns, ptrdiff_t depth) {
#define CALL(level) pack_rows_##level(b, b_row, end, packed, columns, depth)
  APUS_FOR_LEVEL(CALL)
#undef CALL
}

void apus_pack_right(const float *b, ptrdiff_t b_row, ptrdiff_t b_column, const float *end,
                     float *packed, ptrdiff_t columns, ptrdiff_t depth) {
  if (b_column == 1) {
    pack_rows(b, b_row, end, packed, columns, depth);
    return;
  }
  const ptrdiff_t width = apus_whole_columns(columns);
  apus_transpose_strided(4, b, b_column, packed, width, columns, depth);
  for (ptrdiff_t j = columns; j < width; j++) {
    for (ptrdiff_t k = 0; k < depth; k++) packed[k * width + j] = 0;
  }
}
