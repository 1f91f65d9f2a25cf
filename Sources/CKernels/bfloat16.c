// Matrix products with factors rounded to bfloat16 and sums in float32.
//
// The loops are those of BLIS (Van Zee, van de Geijn 2015): factors are packed into slivers that stay in the caches,
// converted on the way, and a register tile of 12 x 32 sums runs down them. A pair of neighbouring k is one 32-bit
// number, which is what the instruction VDPBF16PS takes.
#include "kernel.h"

#if APUS_HAS_CLONES
#include <immintrin.h>
#define APUS_HAS_BF16 1
#define APUS_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#else
#define APUS_HAS_BF16 0
#endif

enum { tile_rows = 12, tile_columns = 32, block_depth = 512, block_rows = 144, block_columns = 512 };

int apus_bf16_has_instructions(void) {
#if APUS_HAS_BF16
  __builtin_cpu_init();
  return apus_cpu_level() == 4 && __builtin_cpu_supports("avx512bf16");
#else
  return 0;
#endif
}

size_t apus_bf16_gemm_bytes(void) {
  return sizeof(uint16_t) * block_depth * (block_rows + block_columns) +
         sizeof(float) * tile_rows * tile_columns;
}

// To the nearest, ties to even; NaN stays one.
APUS_INLINE uint16_t round_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 64);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

APUS_INLINE float widen_bf16(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float y;
  memcpy(&y, &bits, sizeof y);
  return y;
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
typedef void (*tile_fn)(ptrdiff_t pairs, const uint16_t *a, const uint16_t *b, float *c,
                        ptrdiff_t leading, int accumulate);

static void plain_tile(ptrdiff_t pairs, const uint16_t *a, const uint16_t *b, float *c,
                       ptrdiff_t leading, int accumulate) {
  for (int i = 0; i < tile_rows; i++) {
    float sum[tile_columns] = {0};
    for (ptrdiff_t k = 0; k < pairs; k++) {
      const uint16_t *x = a + 2 * (k * tile_rows + i), *y = b + 2 * k * tile_columns;
      const float even = widen_bf16(x[0]), odd = widen_bf16(x[1]);
      for (int j = 0; j < tile_columns; j++)
        sum[j] += even * widen_bf16(y[2 * j]) + odd * widen_bf16(y[2 * j + 1]);
    }
    for (int j = 0; j < tile_columns; j++)
      c[i * leading + j] = accumulate ? c[i * leading + j] + sum[j] : sum[j];
  }
}

#if APUS_HAS_BF16
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
#endif

static tile_fn best_tile(void) {
#if APUS_HAS_BF16
  if (apus_bf16_has_instructions()) return bf16_tile;
#endif
  return plain_tile;
}

void apus_bf16_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
                    ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b,
                    float *c, ptrdiff_t leading, int add, void *scratch) {
  const tile_fn tile = best_tile();
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
              tile(pairs, x, y, target, leading, add || pc > 0);
              continue;
            }
            tile(pairs, x, y, edge, tile_columns, 0);
            for (ptrdiff_t i = 0; i < rows; i++) {
              for (ptrdiff_t j = 0; j < columns; j++) {
                const float sum = edge[i * tile_columns + j];
                target[i * leading + j] = add || pc > 0 ? target[i * leading + j] + sum : sum;
              }
            }
          }
        }
      }
    }
  }
}
