// Matrix products in registers, packing as little as possible.
//
// BLAS libraries rearrange both factors before they multiply. `apus_block_product` reads the left factor where it is
// and needs the rows of the right one to be contiguous, so for `x · w` and `xᵀ · g` nothing is moved at all. For
// `g · wᵀ` the smaller factor is transposed: w, or g for the transposed product `w · gᵀ`.
#include "block_product.h"
#include "transpose.h"

enum {
  block_depth = 384,
  block_rows = 256,     // rows × depth of the left factor stay in the second-level cache
  packed_columns = 128  // depth × columns of a packed right factor as well
};

int apus_gemm_is_fast(void) {
  return apus_cpu_level() == 4;
}

// Rows of `a` that are transposed at a time for a product from the right: at most 1 MiB of them.
static ptrdiff_t flipped_rows(ptrdiff_t m, ptrdiff_t k) {
  const ptrdiff_t fitting = (262144 / (k > 0 ? k : 1)) & ~(ptrdiff_t)31;
  const ptrdiff_t rows = fitting < 32 ? 32 : fitting > block_rows ? block_rows : fitting;
  return apus_min(rows, m);
}

static int is_flipped(ptrdiff_t m, ptrdiff_t n) { return m < n; }

// Rows of the right factor that lie whole pages apart, or nearly, share the few places of a cache that belong to them:
// then a copy pays if it is used often enough.
static int is_spread(ptrdiff_t m, ptrdiff_t row_b) { return row_b % 256 == 0 && m >= 256; }

size_t apus_gemm_bytes(ptrdiff_t m, ptrdiff_t k, ptrdiff_t row_b, ptrdiff_t column_b) {
  const ptrdiff_t piece = block_depth * packed_columns;
  if (column_b == 1) return is_spread(m, row_b) ? sizeof(float) * (size_t)piece : 0;
  const ptrdiff_t rows = flipped_rows(m, k), block = rows * k + block_rows * rows;
  return sizeof(float) * (size_t)(block > piece ? block : piece);
}

void apus_gemm_whole(ptrdiff_t m, ptrdiff_t n, ptrdiff_t column_b, ptrdiff_t *rows,
                     ptrdiff_t *columns) {
  const int flip = column_b != 1 && is_flipped(m, n);
  *rows = m & ~(ptrdiff_t)(flip ? APUS_PRODUCT_COLUMNS - 1 : APUS_PRODUCT_ROWS - 1);
  *columns = n & ~(ptrdiff_t)(flip ? APUS_PRODUCT_ROWS - 1 : APUS_PRODUCT_COLUMNS - 1);
}

// Rows of the right factor are contiguous.
static void natural(apus_left a, const float *b, ptrdiff_t row_b, float *c, ptrdiff_t leading,
                    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int add) {
  for (ptrdiff_t p = 0; p < k; p += block_depth) {
    const ptrdiff_t depth = apus_min(block_depth, k - p);
    for (ptrdiff_t i = 0; i < m; i += block_rows) {
      const apus_left left = {a.data + i * a.row + p * a.depth, a.row, a.depth};
      apus_block_product(left, b + p * row_b, row_b, c + i * leading, leading,
                         apus_min(block_rows, m - i), n, depth, add || p > 0);
    }
  }
}

// The right factor is packed piece by piece, transposed if it is stored that way.
static void packed(apus_left a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b, float *c,
                   ptrdiff_t leading, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int add,
                   float *scratch) {
  for (ptrdiff_t j = 0; j < n; j += packed_columns) {
    const ptrdiff_t columns = apus_min(packed_columns, n - j);
    for (ptrdiff_t p = 0; p < k; p += block_depth) {
      const ptrdiff_t depth = apus_min(block_depth, k - p);
      const float *from = b + p * row_b + j * column_b;
      if (column_b == 1) {
        for (ptrdiff_t i = 0; i < depth; i++) {
          memcpy(scratch + i * columns, from + i * row_b, sizeof(float) * (size_t)columns);
        }
      } else {
        apus_transpose_strided(4, from, column_b, scratch, columns, columns, depth);
      }
      for (ptrdiff_t i = 0; i < m; i += block_rows) {
        const apus_left left = {a.data + i * a.row + p * a.depth, a.row, a.depth};
        apus_block_product(left, scratch, columns, c + i * leading + j, leading,
                           apus_min(block_rows, m - i), columns, depth, add || p > 0);
      }
    }
  }
}

// The right factor is stored transposed, and larger: cᵀ = bᵀᵀ · aᵀ, in blocks that are put back the right way round.
static void flipped(apus_left a, const float *b, ptrdiff_t column_b, float *c, ptrdiff_t leading,
                    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int add, float *scratch) {
  const ptrdiff_t step = flipped_rows(m, k);
  float *block = scratch + step * k;
  for (ptrdiff_t i = 0; i < m; i += step) {
    const ptrdiff_t rows = apus_min(step, m - i);
    const float *right = a.data + i * a.row;
    ptrdiff_t row_right = a.depth;
    if (a.row != 1) {
      apus_transpose_strided(4, right, a.row, scratch, rows, rows, k);
      right = scratch;
      row_right = rows;
    }
    for (ptrdiff_t j = 0; j < n; j += block_rows) {
      const ptrdiff_t columns = apus_min(block_rows, n - j);
      if (add) {
        apus_transpose_strided(4, c + i * leading + j, leading, block, rows, rows, columns);
      }
      const apus_left left = {b + j * column_b, column_b, 1};
      natural(left, right, row_right, block, rows, columns, rows, k, add);
      apus_transpose_strided(4, block, rows, c + i * leading + j, leading, columns, rows);
    }
  }
}

void apus_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
               ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b, float *c,
               ptrdiff_t leading, int add, void *scratch) {
  const apus_left left = {a, row_a, column_a};
  if (column_b == 1 && !is_spread(m, row_b)) {
    natural(left, b, row_b, c, leading, m, n, k, add);
  } else if (column_b != 1 && is_flipped(m, n)) {
    flipped(left, b, column_b, c, leading, m, n, k, add, scratch);
  } else {
    packed(left, b, row_b, column_b, c, leading, m, n, k, add, scratch);
  }
}
