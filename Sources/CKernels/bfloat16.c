// Matrix products with factors rounded to bfloat16 and sums in float32, in two ways that differ by the order of sums.
//
// The loops are those of BLIS (Van Zee, van de Geijn 2015): factors are rounded into pieces that stay in the caches.
//
// * By pairs: a register tile of 12 x 32 sums runs down slivers. A pair of neighbouring k is one 32-bit number, which is what
//   the instruction VDPBF16PS takes.
// * By floats: numbers with 8 bits of precision are numbers of float32, whose product is exact there. Pieces are multiplied
//   as those of float32 are, on any CPU; faster than by pairs where VDPBF16PS takes four times as long as a multiply-add.
#include "bfloat16.h"
#include "block_product.h"
#include "transpose.h"

#if APUS_HAS_CLONES
#include <immintrin.h>
#define APUS_HAS_BF16 1
#define APUS_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#else
#define APUS_HAS_BF16 0
#endif

enum { tile_rows = 12, tile_columns = 32, block_depth = 512, block_rows = 144, block_columns = 512 };

// By floats: columns of the right factor that lie together, and how long a piece is.
enum { panel_columns = tile_columns, panel_depth = 384 };

int apus_bf16_has_instructions(void) {
#if APUS_HAS_BF16
  __builtin_cpu_init();
  return apus_cpu_level() == 4 && __builtin_cpu_supports("avx512bf16");
#else
  return 0;
#endif
}

size_t apus_bf16_gemm_bytes(int pairs) {
  if (pairs) {
    return sizeof(uint16_t) * block_depth * (block_rows + block_columns) +
           sizeof(float) * tile_rows * tile_columns;
  }
  return sizeof(float) * (panel_depth * (block_rows + block_columns) + block_rows * panel_columns);
}

// What a tile that reaches over the edge has of the result.
static void put_edge(const float *edge, ptrdiff_t rows, ptrdiff_t columns, float *c,
                     ptrdiff_t leading, int add) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    for (ptrdiff_t j = 0; j < columns; j++) {
      const float sum = edge[i * tile_columns + j];
      c[i * leading + j] = add ? c[i * leading + j] + sum : sum;
    }
  }
}

#if APUS_HAS_BF16

// The upper half of the rounded number.
APUS_INLINE uint16_t round_bf16(float x) {
  x = apus_round_bf16(x);
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return (uint16_t)(bits >> 16);
}

// Packs `count` rows (or columns) of a factor for k in 0 ..< depth: slivers of `width`, in each of them pairs of k side by
// side; zeros fill the last sliver and the last pair. `across` and `along` are the strides over rows and over k.
APUS_CLONES(void, pack, (const float *x, ptrdiff_t across, ptrdiff_t along, ptrdiff_t count,
            ptrdiff_t depth, ptrdiff_t width, uint16_t *y),
            (x, across, along, count, depth, width, y)) {
  for (ptrdiff_t first = 0; first < count; first += width) {
    const ptrdiff_t present = apus_min(width, count - first);
    for (ptrdiff_t k = 0; k < depth; k += 2, y += 2 * width) {
      const float *even = x + first * across + k * along;
      const float *odd = even + along;
      if (k + 1 < depth) {
        for (ptrdiff_t i = 0; i < present; i++) {
          y[2 * i] = round_bf16(even[i * across]);
          y[2 * i + 1] = round_bf16(odd[i * across]);
        }
      } else {
        for (ptrdiff_t i = 0; i < present; i++) {
          y[2 * i] = round_bf16(even[i * across]);
          y[2 * i + 1] = 0;
        }
      }
      for (ptrdiff_t i = present; i < width; i++) y[2 * i] = y[2 * i + 1] = 0;
    }
  }
}

// c[12, 32] (+)= a sliver of a times a sliver of b, `pairs` long.
APUS_BF16 static void bf16_tile(ptrdiff_t pairs, const uint16_t *a, const uint16_t *b, float *c,
                                ptrdiff_t leading, int accumulate) {
  __m512 low[tile_rows], high[tile_rows];
#pragma clang loop unroll(full)
  for (int i = 0; i < tile_rows; i++) low[i] = high[i] = _mm512_setzero_ps();
  for (ptrdiff_t k = 0; k < pairs; k++, a += 2 * tile_rows, b += 2 * tile_columns) {
    const __m512bh left = (__m512bh)_mm512_loadu_si512(b);
    const __m512bh right = (__m512bh)_mm512_loadu_si512(b + tile_columns);
#pragma clang loop unroll(full)
    for (int i = 0; i < tile_rows; i++) {
      int pair;
      memcpy(&pair, a + 2 * i, sizeof pair);
      const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
      low[i] = _mm512_dpbf16_ps(low[i], x, left);
      high[i] = _mm512_dpbf16_ps(high[i], x, right);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < tile_rows; i++) {
    float *row = c + i * leading;
    if (accumulate) {
      low[i] = _mm512_add_ps(low[i], _mm512_loadu_ps(row));
      high[i] = _mm512_add_ps(high[i], _mm512_loadu_ps(row + 16));
    }
    _mm512_storeu_ps(row, low[i]);
    _mm512_storeu_ps(row + 16, high[i]);
  }
}

static void gemm_pairs(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
                       ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b,
                       float *c, ptrdiff_t leading, int add, void *scratch) {
  float *edge = scratch;
  uint16_t *packed_a = (uint16_t *)(edge + tile_rows * tile_columns);
  uint16_t *packed_b = packed_a + block_depth * block_rows;
  for (ptrdiff_t jc = 0; jc < n; jc += block_columns) {
    const ptrdiff_t nc = apus_min(block_columns, n - jc);
    for (ptrdiff_t pc = 0; pc < k; pc += block_depth) {
      const ptrdiff_t kc = apus_min(block_depth, k - pc), pairs = (kc + 1) / 2;
      pack(b + pc * row_b + jc * column_b, column_b, row_b, nc, kc, tile_columns, packed_b);
      for (ptrdiff_t ic = 0; ic < m; ic += block_rows) {
        const ptrdiff_t mc = apus_min(block_rows, m - ic);
        pack(a + ic * row_a + pc * column_a, row_a, column_a, mc, kc, tile_rows, packed_a);
        for (ptrdiff_t jr = 0; jr < nc; jr += tile_columns) {
          for (ptrdiff_t ir = 0; ir < mc; ir += tile_rows) {
            const uint16_t *x = packed_a + 2 * pairs * ir, *y = packed_b + 2 * pairs * jr;
            float *target = c + (ic + ir) * leading + jc + jr;
            const ptrdiff_t rows = apus_min(tile_rows, mc - ir);
            const ptrdiff_t columns = apus_min(tile_columns, nc - jr);
            if (rows == tile_rows && columns == tile_columns) {
              bf16_tile(pairs, x, y, target, leading, add || pc > 0);
            } else {
              bf16_tile(pairs, x, y, edge, tile_columns, 0);
              put_edge(edge, rows, columns, target, leading, add || pc > 0);
            }
          }
        }
      }
    }
  }
}

#endif

// Rounds x `[rows, columns]`, whose rows are `leading` apart, to y, whose rows are `width` long: zeros fill them.
APUS_CLONES(void, round_rows, (const float *x, ptrdiff_t leading, ptrdiff_t rows, ptrdiff_t columns, float *y, ptrdiff_t width),
            (x, leading, rows, columns, y, width)) {
  for (ptrdiff_t r = 0; r < rows; r++, x += leading, y += width) {
    APUS_VECTORIZE
    for (ptrdiff_t i = 0; i < columns; i++) y[i] = apus_round_bf16(x[i]);
    for (ptrdiff_t i = columns; i < width; i++) y[i] = 0;
  }
}

// Rounds x `[rows, columns]` of any strides to y, whose rows are `width` long: zeros fill them.
static void round_matrix(const float *x, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows,
                         ptrdiff_t columns, float *y, ptrdiff_t width) {
  if (column == 1) {
    round_rows(x, row, rows, columns, y, width);
    return;
  }
  if (row == 1) {
    apus_transpose_strided(4, x, column, y, width, columns, rows);
  } else {
    for (ptrdiff_t r = 0; r < rows; r++) {
      for (ptrdiff_t c = 0; c < columns; c++) y[r * width + c] = x[r * row + c * column];
    }
  }
  round_rows(y, width, rows, columns, y, width);
}

static void gemm_floats(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
                        ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b,
                        float *c, ptrdiff_t leading, int add, void *scratch) {
  float *edge = scratch, *left = edge + block_rows * panel_columns;
  float *right = left + block_rows * panel_depth;
  for (ptrdiff_t jc = 0; jc < n; jc += block_columns) {
    const ptrdiff_t nc = apus_min(block_columns, n - jc);
    for (ptrdiff_t pc = 0; pc < k; pc += panel_depth) {
      const ptrdiff_t kc = apus_min(panel_depth, k - pc);
      const int more = add || pc > 0;
      for (ptrdiff_t jr = 0; jr < nc; jr += panel_columns) {
        round_matrix(b + pc * row_b + (jc + jr) * column_b, row_b, column_b, kc,
                     apus_min(panel_columns, nc - jr), right + jr * kc, panel_columns);
      }
      for (ptrdiff_t ic = 0; ic < m; ic += block_rows) {
        const ptrdiff_t mc = apus_min(block_rows, m - ic);
        const ptrdiff_t rows = (mc + APUS_PRODUCT_ROWS - 1) & ~(ptrdiff_t)(APUS_PRODUCT_ROWS - 1);
        const float *from = a + ic * row_a + pc * column_a;
        // The left factor is read along either axis.
        const int flat = row_a != 1;
        const apus_left block = {
            .data = left, .row = flat ? kc : 1, .depth = flat ? 1 : rows};
        if (flat) {
          round_matrix(from, row_a, column_a, mc, kc, left, kc);
          for (ptrdiff_t i = mc * kc; i < rows * kc; i++) left[i] = 0;
        } else {
          round_matrix(from, column_a, 1, kc, mc, left, rows);
        }
        for (ptrdiff_t jr = 0; jr < nc; jr += panel_columns) {
          const float *panel = right + jr * kc;
          float *target = c + ic * leading + jc + jr;
          const ptrdiff_t columns = apus_min(panel_columns, nc - jr);
          if (rows == mc && columns % APUS_PRODUCT_COLUMNS == 0) {
            apus_block_product(block, panel, panel_columns, target, leading, mc, columns, kc, more);
          } else {
            apus_block_product(block, panel, panel_columns, edge, panel_columns, rows, panel_columns,
                               kc, 0);
            put_edge(edge, mc, columns, target, leading, more);
          }
        }
      }
    }
  }
}

void apus_bf16_gemm(int pairs, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                    ptrdiff_t row_a, ptrdiff_t column_a, const float *b, ptrdiff_t row_b,
                    ptrdiff_t column_b, float *c, ptrdiff_t leading, int add, void *scratch) {
#if APUS_HAS_BF16
  if (pairs) {
    gemm_pairs(m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add, scratch);
    return;
  }
#else
  (void)pairs;
#endif
  gemm_floats(m, n, k, a, row_a, column_a, b, row_b, column_b, c, leading, add, scratch);
}
