// Matrix products in registers, packing as little as possible.
//
// BLAS libraries rearrange both factors before they multiply. Here the right factor is read where it is if its rows
// are contiguous, and the left one as well, unless it lies transposed: then a block of it is copied at a time. For
// `g · wᵀ` the right factor is transposed strip by strip; or, where that is faster, the smaller factor is: w, or g for
// the transposed product `w · gᵀ`.
//
// Each element is the sum over the depth in blocks, and over each block from its first number to its last, however the
// product is cut into rows and columns and whatever is copied: blocks computed apart have the bits of the whole.
#include "block_product.h"
#include "gemm_sizes.h"
#include "transpose.h"

int apus_gemm_is_fast(void) {
#if defined(__x86_64__)
  return 1;
#else
  return 0;
#endif
}

enum {
  small_right = 16384,    // elements of a right factor that stay in a first-level cache, or nearly
  small_result = 524288,  // elements of a result that stay in a second-level cache
  flipped_elements = 262144,
  flipped_least = 32,
  flipped_most = 256,
  line = 16  // elements of a line of a cache
};

// Rows of `a` that are transposed at a time for a product from the right: at most 1 MiB of them, or the fewest.
static ptrdiff_t flipped_rows(ptrdiff_t m, ptrdiff_t k) {
  const ptrdiff_t fitting = (flipped_elements / k) & ~(ptrdiff_t)31;
  const ptrdiff_t rows = fitting < flipped_least ? flipped_least : apus_min(fitting, flipped_most);
  return apus_min(rows, m);
}

// Their elements: a line after each row, so that rows are not whole pages apart.
static ptrdiff_t flipped_size(ptrdiff_t m, ptrdiff_t k) { return (flipped_rows(m, k) + line) * k; }

static int is_flipped(ptrdiff_t m, ptrdiff_t n, ptrdiff_t column_b) {
  return column_b != 1 && m < n && apus_gemm_sizes_here()->flips;
}

// Rows of the right factor that lie whole pages apart, or nearly, share the few places of a cache that belong to them:
// then a copy pays if it is used often enough.
static int is_copied(ptrdiff_t m, ptrdiff_t row_b, ptrdiff_t column_b) {
  return column_b != 1 || (apus_gemm_sizes_here()->packs_spread && row_b % 256 == 0 && m >= 256);
}

// A copy of the left factor is read once for each strip: few strips are not worth it.
static int is_left_copied(apus_left a, ptrdiff_t n) {
  return a.depth != 1 && n > 2 * APUS_STRIP_COLUMNS && apus_gemm_sizes_here()->packs_left;
}

// Scratch memory, in elements: a block of the left factor, the last strip and its result, strips of the right factor.
static ptrdiff_t left_size(void) {
  const apus_gemm_sizes *sizes = apus_gemm_sizes_here();
  return sizes->packs_left ? sizes->rows * sizes->depth : 0;
}

static ptrdiff_t result_size(void) {
  const apus_gemm_sizes *sizes = apus_gemm_sizes_here();
  const ptrdiff_t rows = sizes->rows > sizes->copied_rows ? sizes->rows : sizes->copied_rows;
  return APUS_STRIP_COLUMNS * rows;
}

static ptrdiff_t rest_size(void) {
  return result_size() + APUS_STRIP_COLUMNS * apus_gemm_sizes_here()->depth;
}

// Some products need none.
static float *part(float *scratch, ptrdiff_t offset) {
  return scratch == NULL ? NULL : scratch + offset;
}

size_t apus_gemm_bytes(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, ptrdiff_t column_a, ptrdiff_t row_b,
                       ptrdiff_t column_b) {
  const apus_gemm_sizes *sizes = apus_gemm_sizes_here();
  ptrdiff_t size = 0;
  if (column_a != 1 || column_b != 1 || n % APUS_PRODUCT_COLUMNS != 0) {
    size = left_size() + rest_size();
  }
  if (column_b != 1 && sizes->flips) {
    const ptrdiff_t block = flipped_size(m, k) + apus_min(flipped_most, m) * sizes->rows;
    const ptrdiff_t strips = sizes->depth * sizes->columns;
    size += block > strips ? block : strips;
  } else if (is_copied(m, row_b, column_b)) {
    size = left_size() + rest_size() + sizes->depth * sizes->columns;
  }
  return sizeof(float) * (size_t)size;
}

/// A strip whose last register is not full: `packed` is the right factor with zeros after it.
static void multiply_rest(apus_left a, const float *packed, float *c, ptrdiff_t leading,
                          ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add,
                          float *result) {
  const ptrdiff_t width = apus_whole_columns(columns);
  apus_strip_product(a, packed, width, result, width, rows, width, depth, 0, NULL);
  for (ptrdiff_t i = 0; i < rows; i++, c += leading, result += width) {
    for (ptrdiff_t j = 0; j < columns; j++) c[j] = add ? c[j] + result[j] : result[j];
  }
}

static void multiply(apus_left a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b, float *c,
                     ptrdiff_t leading, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int add, int copies,
                     float *scratch) {
  const apus_gemm_sizes *sizes = apus_gemm_sizes_here();
  const int copies_left = is_left_copied(a, n);
  const float *end = b + (k - 1) * row_b + (n - 1) * column_b + 1;
  float *result = part(scratch, left_size());
  float *rest = part(result, result_size());
  float *strips = part(scratch, left_size() + rest_size());
  // What fits the first-level cache need not be fetched.
  const int fetches_right = apus_min(k, sizes->depth) * n > small_right;
  const int fetches = sizes->ahead > 0 && (fetches_right || m * n > small_result);
  const ptrdiff_t step = copies ? sizes->columns : n;
  // A copied strip is still in the first-level cache for all of these rows.
  const ptrdiff_t most = copies && !copies_left ? sizes->copied_rows : sizes->rows;
  for (ptrdiff_t first = 0; first < n; first += step) {
    const ptrdiff_t columns = apus_min(step, n - first);
    for (ptrdiff_t p = 0; p < k; p += sizes->depth) {
      const ptrdiff_t depth = apus_min(sizes->depth, k - p);
      const int adds = add || p > 0;
      for (ptrdiff_t i = 0; i < m; i += most) {
        const ptrdiff_t rows = apus_min(most, m - i);
        apus_left left = {a.data + i * a.row + p * a.depth, a.row, a.depth, 0};
        if (copies_left) {
          apus_pack_left(left.data, a.depth, scratch, rows, depth);
          left = (apus_left){scratch, 1, 1, 1};
        }
        for (ptrdiff_t j = 0, width; j < columns; j += width) {
          width = apus_strip_columns(columns - j);
          const ptrdiff_t whole = apus_whole_columns(width);
          const float *right = b + p * row_b + (first + j) * column_b;
          float *to = c + i * leading + first + j;
          apus_ahead ahead = {fetches_right ? sizes->ahead : 0, NULL, 0, 0};
          ptrdiff_t row = row_b;
          if (copies || whole != width) {
            // One strip after the other in the same place, if only these rows need it.
            float *packed = !copies ? rest : rows < m ? strips + j * depth : strips;
            if (i == 0) apus_pack_right(right, row_b, column_b, end, packed, width, depth);
            if (whole != width) {
              multiply_rest(left, packed, to, leading, rows, width, depth, adds, result);
              continue;
            }
            right = packed;
            row = width;
            ahead.rows = 0;
          } else if (fetches_right && j + width < columns) {
            ahead = (apus_ahead){sizes->ahead, right + width, row_b, width};
          } else if (fetches_right && i + rows == m && p + depth < k) {
            ahead = (apus_ahead){sizes->ahead, b + (p + depth) * row_b, row_b, width};
          }
          if (copies_left && j == 0 && i + rows < m) {
            ahead.next = a.data + (i + rows) * a.row + p * a.depth;
            ahead.next_row = a.depth;
            ahead.next_length = rows;
          }
          apus_strip_product(left, right, row, to, leading, rows, width, depth, adds,
                             fetches ? &ahead : NULL);
        }
      }
    }
  }
}

// The right factor is stored transposed, and larger: cᵀ = bᵀ · aᵀ, in blocks that are put back the right way round.
static void multiply_flipped(apus_left a, const float *b, ptrdiff_t column_b, float *c,
                             ptrdiff_t leading, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int add,
                             float *scratch) {
  const ptrdiff_t step = flipped_rows(m, k), most = apus_gemm_sizes_here()->rows;
  float *turned = scratch + left_size() + rest_size(), *block = turned + flipped_size(m, k);
  for (ptrdiff_t i = 0; i < m; i += step) {
    const ptrdiff_t rows = apus_min(step, m - i);
    const float *right = a.data + i * a.row;
    ptrdiff_t row_right = a.depth;
    if (a.row != 1) {
      row_right = rows + line;
      apus_transpose_strided(4, right, a.row, turned, row_right, rows, k);
      right = turned;
    }
    for (ptrdiff_t j = 0; j < n; j += most) {
      const ptrdiff_t columns = apus_min(most, n - j);
      if (add) {
        apus_transpose_strided(4, c + i * leading + j, leading, block, rows, rows, columns);
      }
      const apus_left left = {b + j * column_b, column_b, 1, 0};
      // Where the copy would go there is `turned`.
      multiply(left, right, row_right, 1, block, rows, columns, rows, k, add, 0, scratch);
      apus_transpose_strided(4, block, rows, c + i * leading + j, leading, columns, rows);
    }
  }
}

void apus_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
               ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b, float *c,
               ptrdiff_t leading, int add, void *scratch) {
  const apus_left left = {a, row_a, column_a, 0};
  if (is_flipped(m, n, column_b)) {
    multiply_flipped(left, b, column_b, c, leading, m, n, k, add, scratch);
  } else {
    const int copies = is_copied(m, row_b, column_b);
    multiply(left, b, row_b, column_b, c, leading, m, n, k, add, copies, scratch);
  }
}
