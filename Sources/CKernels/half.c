// Numbers of float32 as files and messages keep them in 16 bits.
#include "bfloat16.h"

// In files nothing is aligned.
typedef __attribute__((aligned(1), may_alias)) uint16_t any_u16;

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

APUS_INLINE float from_float16(uint32_t h) {
  const uint32_t sign = (h & 0x8000u) << 16, magnitude = (h & 0x7fffu) << 13;
  // An exponent that is 112 too small, which the product puts right for subnormal numbers as well.
  const uint32_t finite = bits_of(float_of(magnitude) * 0x1p112f);
  const uint32_t special = magnitude | 0x7f800000u;
  return float_of(sign | ((h & 0x7c00u) == 0x7c00u ? special : finite));
}

APUS_INLINE uint32_t to_float16(float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000u, u = bits & 0x7fffffffu;
  // Below the smallest normal number the sum has units of 2⁻²⁴, and is rounded to them.
  const uint32_t small = bits_of(float_of(u) + 0.5f) - 0x3f000000u;
  const uint32_t normal = ((u + 0xfffu + (u >> 13 & 1)) >> 13) - (112u << 10);
  const uint32_t special = u > 0x7f800000u ? 0x7e00u : 0x7c00u;
  return sign | (u >= 0x47800000u ? special : u < 0x38800000u ? small : normal);
}

APUS_CLONES(void, widen_float16, (const any_u16 *x, float *y, ptrdiff_t n), (x, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] = from_float16(x[i]);
}

APUS_CLONES(void, widen_bfloat16, (const any_u16 *x, float *y, ptrdiff_t n), (x, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] = float_of((uint32_t)x[i] << 16);
}

APUS_CLONES(void, add_float16, (const any_u16 *x, float *y, ptrdiff_t n), (x, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] += from_float16(x[i]);
}

APUS_CLONES(void, add_bfloat16, (const any_u16 *x, float *y, ptrdiff_t n), (x, y, n)) {
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) y[i] += float_of((uint32_t)x[i] << 16);
}

APUS_CLONES(int, narrow_float16, (const float *x, any_u16 *y, ptrdiff_t n), (x, y, n)) {
  int overflows = 0;
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t h = to_float16(x[i]), u = bits_of(x[i]) & 0x7fffffffu;
    y[i] = (uint16_t)h;
    overflows |= (h & 0x7fffu) == 0x7c00u && u < 0x7f800000u;
  }
  return overflows;
}

APUS_CLONES(int, narrow_bfloat16, (const float *x, any_u16 *y, ptrdiff_t n), (x, y, n)) {
  int overflows = 0;
  APUS_VECTORIZE
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t h = bits_of(apus_round_bf16(x[i])) >> 16, u = bits_of(x[i]) & 0x7fffffffu;
    y[i] = (uint16_t)h;
    overflows |= (h & 0x7fffu) == 0x7f80u && u < 0x7f800000u;
  }
  return overflows;
}

void apus_widen_half(apus_half format, const void *x, float *y, ptrdiff_t n) {
  if (format == APUS_HALF_FLOAT16) widen_float16(x, y, n);
  if (format == APUS_HALF_BFLOAT16) widen_bfloat16(x, y, n);
}

void apus_add_half(apus_half format, const void *x, float *y, ptrdiff_t n) {
  if (format == APUS_HALF_FLOAT16) add_float16(x, y, n);
  if (format == APUS_HALF_BFLOAT16) add_bfloat16(x, y, n);
}

ptrdiff_t apus_narrow_half(apus_half format, const float *x, void *y, ptrdiff_t n) {
  const int overflows =
      format == APUS_HALF_FLOAT16 ? narrow_float16(x, y, n) : narrow_bfloat16(x, y, n);
  if (!overflows) return -1;
  const uint32_t infinity = format == APUS_HALF_FLOAT16 ? 0x7c00u : 0x7f80u;
  const any_u16 *found = y;
  ptrdiff_t i = 0;
  while ((found[i] & 0x7fffu) != infinity || (bits_of(x[i]) & 0x7fffffffu) >= 0x7f800000u) i++;
  return i;
}
