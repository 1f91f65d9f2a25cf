// Scaled dot-product attention and its gradient, tile by tile (Dao, Fu, Ermon, Rudra, Ré, *FlashAttention*, 2022,
// algorithms 1 and 4): scores are never in memory beyond one tile, which stays in the first-level cache.
#include <math.h>

#include "bfloat16.h"
#include "lanes.h"
#include "vector_math.h"

#define TILE 64  // queries, and keys, of a tile

/// Which part of a product is wanted under a causal mask. Row i of keys stands against the queries from i + diagonal
/// on, row i of queries against the keys up to i − diagonal.
typedef enum { WHOLE, COLUMNS_FROM, DEPTH_FROM, DEPTH_TO } product_part;

APUS_INLINE ptrdiff_t apus_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
APUS_INLINE ptrdiff_t apus_round_up(ptrdiff_t n) { return (n + APUS_LANES - 1) / APUS_LANES * APUS_LANES; }

/// Rows in memory that will be needed soon. Heads lie side by side in each row of time, so that no two rows of one head
/// follow each other and the processor does not see the next ones coming.
typedef struct {
  const char *at;
  ptrdiff_t step, rows, bytes;
} upcoming;

/// Asks for four rows, so that they arrive while the current head is computed.
APUS_INLINE void fetch(upcoming soon, ptrdiff_t first) {
  for (ptrdiff_t r = first; r < apus_min(first + 4, soon.rows); r++) {
    for (ptrdiff_t b = 0; b < soon.bytes; b += 64) __builtin_prefetch(soon.at + r * soon.step + b, 0, 2);
  }
}

/// Whether a head is one tile. Longer ones stay in the caches while their tiles meet.
APUS_INLINE int is_short(const apus_attention *p) { return p->queries <= TILE && p->keys <= TILE; }

/// eˣ of 16 numbers that are at most about 0. Results below the smallest normal float are 0: as weights they are
/// nothing.
APUS_INLINE void exp_lanes_f32(float *lane) {
  APUS_VECTORIZE
  for (int j = 0; j < APUS_LANES; j++) {
    const float x = lane[j], c = x < -87.0f ? -87.0f : x;
    int32_t n;
    const float y = apus_expm1_reduced(apus_reduce_exp(c, &n)) + 1.0f;
    lane[j] = x < -87.0f ? 0.0f : y * apus_power_of_2(n);
  }
}

APUS_INLINE void exp_lanes_f64(double *lane) {
  for (int j = 0; j < APUS_LANES; j++) lane[j] = exp(lane[j]);
}

APUS_INLINE float round_f32(float x) { return apus_round_bf16(x); }
APUS_INLINE double round_f64(double x) { return x; }

APUS_INLINE float log_f32(float x) { return apus_logf(x); }
APUS_INLINE double log_f64(double x) { return log(x); }

/// Vectors that a block of a product is wide: 8 accumulators of 512 bits keep two units busy; with 16 registers of 256
/// bits 4 vectors (8 registers) are as many as fit beside the operands.
APUS_INLINE int block_width(size_t size) {
  return size == 4 && apus_cpu_level() == 4 ? 2 : 1;
}

typedef float vector4_f32 __attribute__((ext_vector_type(4), aligned(4), may_alias));
typedef double vector4_f64 __attribute__((ext_vector_type(4), aligned(8), may_alias));

#define T float
#define V apus_vector_f32
#define V4 vector4_f32
#define S(name) name##_f32
#include "attention_tile.h"
#include "attention_typed.h"
#undef T
#undef V
#undef V4
#undef S

#define T double
#define V apus_vector_f64
#define V4 vector4_f64
#define S(name) name##_f64
#include "attention_tile.h"
#include "attention_typed.h"

size_t apus_attention_scratch(const apus_attention *p, int is_gradient) {
  const ptrdiff_t tiles = (p->queries + TILE - 1) / TILE, wide = apus_round_up(p->size);
  const ptrdiff_t forward = p->size * TILE + TILE * TILE + 3 * TILE * wide + 3 * TILE;
  const ptrdiff_t backward =
      tiles * TILE * (2 * p->size + 2 + 3 * wide) + 4 * TILE * wide + 2 * TILE * TILE;
  return (size_t)(is_gradient ? backward : forward) * (size_t)apus_dtype_size(p->dtype);
}

ptrdiff_t apus_attention_items(const apus_attention *p, int is_gradient) {
  const ptrdiff_t tiles = (p->queries + TILE - 1) / TILE;
  return p->batch * p->heads * (is_gradient ? 1 : tiles);
}

void apus_attention_run(const apus_attention *p, const void *q, const void *k, const void *v, const void *mask,
                        void *y, void *log_sums, ptrdiff_t first, ptrdiff_t last, void *scratch) {
  if (p->dtype == APUS_FLOAT32) attention_f32(p, q, k, v, mask, y, log_sums, first, last, scratch);
  if (p->dtype == APUS_FLOAT64) attention_f64(p, q, k, v, mask, y, log_sums, first, last, scratch);
}

void apus_attention_grad_run(const apus_attention *p, const void *q, const void *k, const void *v, const void *mask,
                             const void *y, const void *log_sums, const void *g, void *dq, void *dk, void *dv,
                             ptrdiff_t first, ptrdiff_t last, void *scratch) {
  if (p->dtype == APUS_FLOAT32) {
    attention_grad_f32(p, q, k, v, mask, y, log_sums, g, dq, dk, dv, first, last, scratch);
  }
  if (p->dtype == APUS_FLOAT64) {
    attention_grad_f64(p, q, k, v, mask, y, log_sums, g, dq, dk, dv, first, last, scratch);
  }
}
