// Numbers of float32 as messages keep them in 8 bits.
// A product that is rounded on its own is the same in a sum as alone.
#define APUS_EXACT_PRODUCTS
#include "kernel.h"

APUS_INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

APUS_INLINE float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// The scale of a block.
APUS_CLONES(float, narrow_block, (const float *x, int8_t *y, ptrdiff_t n), (x, y, n)) {
  uint32_t top = 0;
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t u = bits_of(x[i]) & 0x7fffffffu;
    top = u > top ? u : top;
  }
  const float most = float_of(top);
  // Not so for NaN. The reciprocal of less could be infinite.
  const int is_zero = most <= 1e-30f;
  const float inverse = is_zero ? 0.0f : 127.0f / most;
  // A sum with 1.5 * 2^23 is a whole number, whose lowest byte is that of the product.
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] = (int8_t)(uint8_t)bits_of(x[i] * inverse + 0x1.8p23f);
  return is_zero ? 0.0f : most / 127.0f;
}

APUS_CLONES(void, widen_block, (const int8_t *x, float scale, float *y, ptrdiff_t n),
            (x, scale, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] = scale * (float)x[i];
}

APUS_CLONES(void, add_block, (const int8_t *x, float scale, float *y, ptrdiff_t n),
            (x, scale, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] += scale * (float)x[i];
}

ptrdiff_t apus_int8_bytes(ptrdiff_t n) {
  return n + (n + APUS_INT8_BLOCK - 1) / APUS_INT8_BLOCK * (ptrdiff_t)sizeof(float);
}

void apus_narrow_int8(const float *x, void *y, ptrdiff_t n) {
  int8_t *to = y;
  for (ptrdiff_t i = 0; i < n; i += APUS_INT8_BLOCK) {
    const ptrdiff_t count = apus_min(n - i, APUS_INT8_BLOCK);
    const float scale = narrow_block(x + i, to + sizeof scale, count);
    memcpy(to, &scale, sizeof scale);
    to += sizeof scale + count;
  }
}

void apus_widen_int8(const void *x, float *y, ptrdiff_t n, int add) {
  const int8_t *from = x;
  for (ptrdiff_t i = 0; i < n; i += APUS_INT8_BLOCK) {
    const ptrdiff_t count = apus_min(n - i, APUS_INT8_BLOCK);
    float scale;
    memcpy(&scale, from, sizeof scale);
    (add ? add_block : widen_block)(from + sizeof scale, scale, y + i, count);
    from += sizeof scale + count;
  }
}
