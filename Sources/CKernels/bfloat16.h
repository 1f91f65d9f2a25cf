// Rounding to bfloat16, which products in it share.
#ifndef APUS_BFLOAT16_H
#define APUS_BFLOAT16_H

#include "kernel.h"

/// To the nearest number of 8 bits, ties to even; NaN stays one.
APUS_INLINE float apus_round_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t nearest = bits + 0x7fffu + (bits >> 16 & 1), quiet = bits | 0x400000u;
  bits = (x != x ? quiet : nearest) & 0xffff0000u;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

#endif
