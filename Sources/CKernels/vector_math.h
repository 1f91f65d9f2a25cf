// Functions of a float as straight-line code, so that a loop over them becomes vectors.
//
// No branches and no calls: special values are put right by selections at the end. No rounding
// instruction either (baseline x86-64 has none): adding 1.5·2^23 leaves the nearest integer in the
// low bits of a float. That trick needs the compiler to keep the order of sums, so this file must
// not be compiled with reassociation. Errors stated bound the largest found over every 67th float.
//
// Sources: exp, log: S. Moshier, Cephes library (1989), single precision coefficients and argument
// reduction in two parts (Cody, Waite 1980). sin, cos: FreeBSD msun k_sinf.c, k_cosf.c (Bugayev,
// 2005). erf, pow: minimax fits by Remez' algorithm made for this file.
#ifndef APUS_VECTOR_MATH_H
#define APUS_VECTOR_MATH_H

#include <math.h>

#include "kernel.h"

APUS_INLINE uint32_t apus_bits(float x) {
  union { float f; uint32_t u; } v = {.f = x};
  return v.u;
}

APUS_INLINE float apus_from_bits(uint32_t u) {
  union { uint32_t u; float f; } v = {.u = u};
  return v.f;
}

APUS_INLINE uint64_t apus_bits64(double x) {
  union { double f; uint64_t u; } v = {.f = x};
  return v.u;
}

APUS_INLINE double apus_from_bits64(uint64_t u) {
  union { uint64_t u; double f; } v = {.u = u};
  return v.f;
}

/// |x| and the sign of s.
APUS_INLINE float apus_copysign(float x, float s) {
  return apus_from_bits((apus_bits(x) & 0x7fffffffu) | (apus_bits(s) & 0x80000000u));
}

APUS_INLINE float apus_abs(float x) { return apus_from_bits(apus_bits(x) & 0x7fffffffu); }

/// 2^n for −126 <= n <= 127.
APUS_INLINE float apus_power_of_2(int32_t n) {
  return apus_from_bits((uint32_t)(n + 127) << 23);
}

#define APUS_ROUNDER 12582912.0f  // 1.5·2^23
#define APUS_LN2_HIGH 0.693359375f  // nine bits: its product with an exponent is exact
#define APUS_LN2_LOW -2.12194440e-4f

/// x = n·ln 2 + r with |r| <= ln(2)/2; returns r.
APUS_INLINE float apus_reduce_exp(float x, int32_t *n) {
  float k = x * 1.44269504088896341f + APUS_ROUNDER;
  *n = (int32_t)(apus_bits(k) - 0x4b400000u);
  k -= APUS_ROUNDER;
  float r = x - k * APUS_LN2_HIGH;
  return r - k * APUS_LN2_LOW;
}

/// exp(r) − 1 for |r| <= ln(2)/2.
APUS_INLINE float apus_expm1_reduced(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

/// eˣ, within 1 unit in the last place, subnormal results included.
///
/// Far to the left (the −infinity of masks) 0 is selected and not computed: a product that underflows takes many CPUs some
/// 100 cycles.
APUS_INLINE float apus_expf(float x) {
  float c = x > 89.0f ? 89.0f : x;
  c = x < -104.0f ? 0.0f : c;
  int32_t n;
  float r = apus_reduce_exp(c, &n);
  float y = apus_expm1_reduced(r) + 1.0f;
  // Two factors, because 2^n itself may be infinite or subnormal.
  int32_t half = n >> 1;
  y = y * apus_power_of_2(half) * apus_power_of_2(n - half);
  return x < -104.0f ? 0.0f : y;
}

/// eˣ − 1, accurate near 0, within 1.6 units in the last place.
APUS_INLINE float apus_expm1f(float x) {
  float c = x > 89.0f ? 89.0f : x;
  c = c < -18.0f ? -18.0f : c;
  int32_t n;
  float r = apus_reduce_exp(c, &n);
  float p = apus_expm1_reduced(r);
  // 2^n·(p + 1) − 1 without cancellation; from half of it, since 2^128 is not a float.
  float scale = apus_power_of_2(n - 1);
  float y = 2.0f * (p * scale + (scale - 0.5f));
  return x == 0.0f ? x : y;
}

/// log(2^e · (1 + f)) for √½ <= 1 + f < √2.
APUS_INLINE float apus_log_reduced(float f, float e) {
  float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * z * p;
  y += e * APUS_LN2_LOW;
  y -= 0.5f * z;
  return (f + y) + e * APUS_LN2_HIGH;
}

/// Splits u > 0 (normal) into 2^e · m with √½ <= m < √2; returns m.
APUS_INLINE float apus_split(float u, int32_t *e) {
  uint32_t i = apus_bits(u) - 0x3f3504f3u;
  *e = (int32_t)i >> 23;
  return apus_from_bits((i & 0x7fffffu) + 0x3f3504f3u);
}

/// Natural logarithm, within 1 unit in the last place.
APUS_INLINE float apus_logf(float x) {
  int subnormal = x < 1.17549435e-38f;
  int32_t e;
  float m = apus_split(subnormal ? x * 33554432.0f : x, &e);
  float y = apus_log_reduced(m - 1.0f, (float)(subnormal ? e - 25 : e));
  y = x < INFINITY ? y : x;
  return x > 0.0f ? y : (x == 0.0f ? -INFINITY : NAN);
}

/// log(1 + x), accurate near 0, within 1.5 units in the last place.
APUS_INLINE float apus_log1pf(float x) {
  float u = 1.0f + x;
  int32_t e;
  float m = apus_split(u, &e);
  // f = 2^−e·(1 + x) − 1, formed from x and not from u, which has lost the end of x. From 2^10 on
  // what u lost is too small to matter, and 2^−e may be subnormal.
  int big = x > 1024.0f;
  float scale = apus_power_of_2(big ? 0 : -e);
  float f = x * scale + (scale - 1.0f);
  float y = apus_log_reduced(big ? m - 1.0f : f, (float)e);
  y = x < INFINITY ? y : x;
  y = x > -1.0f ? y : (x == -1.0f ? -INFINITY : NAN);
  return x == 0.0f ? x : y;
}

/// tanh(x) = E/(E + 2) with E = exp(2x) − 1, within 2.5 units in the last place.
APUS_INLINE float apus_tanhf(float x) {
  float a = apus_abs(x);
  a = a > 10.0f ? 10.0f : a;
  float e = apus_expm1f(2.0f * a);
  return apus_copysign(e / (e + 2.0f), x);
}

/// 1/(1 + e⁻ˣ), within 2.5 units in the last place, small at the far left as eˣ is.
APUS_INLINE float apus_sigmoidf(float x) {
  float e = apus_expf(-apus_abs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/// log(1 + eˣ), within 1.7 units in the last place.
APUS_INLINE float apus_softplusf(float x) {
  return (x > 0.0f ? x : 0.0f) + apus_log1pf(apus_expf(-apus_abs(x)));
}

/// Error function, within 1.2 units in the last place. Near 0 erf(x)/x − 1 is a polynomial in x²,
/// beyond it (log(erfc(t)) + t)/t is one in t.
APUS_INLINE float apus_erff(float x) {
  float z = x * x;
  float p = -5.94051844e-4f;
  p = p * z + 4.98386116e-3f;
  p = p * z - 2.67607542e-2f;
  p = p * z + 1.12816722e-1f;
  p = p * z - 3.76124822e-1f;
  p = p * z + 1.28379148e-1f;
  float near = p * x + x;

  float t = apus_abs(x);
  t = t > 4.0f ? 4.0f : t;
  float q = -1.15223263e-5f;
  q = q * t + 3.25653052e-4f;
  q = q * t - 3.65376544e-3f;
  q = q * t + 2.37853499e-2f;
  q = q * t - 1.06263149e-1f;
  q = q * t - 6.35135910e-1f;
  q = q * t - 1.28652163e-1f;
  float far = apus_copysign(1.0f - apus_expf(q * t - t), x);
  return t > 0.93f ? far : near;
}

/// Beyond this the reduction of sin and cos is no longer exact and libm takes over.
#define APUS_TRIGONOMETRIC_LIMIT 268435456.0f  // 2^28

/// sin(x + quarter·π/2) for |x| < 2^28, in 64 bits, within 0.51 units in the last place.
APUS_INLINE float apus_sin_quarter(float x, uint32_t quarter) {
  double d = x;
  double k = d * 0.63661977236758134308 + 6755399441055744.0;  // 2/π; 1.5·2^52
  uint32_t q = (uint32_t)apus_bits64(k) + quarter;
  k -= 6755399441055744.0;
  double r = d - k * 1.57079631090164184570;  // π/2 in two parts, 25 bits and the rest
  r -= k * 1.58932547735281966916e-8;
  double z = r * r;
  double s = 0x16cd878c3b46a7p-71;
  s = s * z - 0x1a00f9e2cae774p-65;
  s = s * z + 0x111110896efbb2p-59;
  s = s * z - 0x15555554cbac77p-55;
  s = s * (z * r) + r;
  double c = 0x199342e0ee5069p-68;
  c = c * z - 0x16c087e80f1e27p-62;
  c = c * z + 0x155553e1053a42p-57;
  c = c * z - 0x1ffffffd0c5e81p-54;
  c = c * z + 1.0;
  double y = (q & 1) ? c : s;
  return (float)((q & 2) ? -y : y);
}

/// xʸ with the special values of C (F.10.4.4), within 0.51 units in the last place: log2 and exp2
/// in 64 bits, errors 1e-13 and 4e-11.
APUS_INLINE float apus_powf(float x, float y) {
  float a = apus_abs(x);
  uint64_t i = apus_bits64((double)a) - 0x3fe6a09e667f3bcdu;
  int32_t e = (int32_t)((int64_t)i >> 52);
  double m = apus_from_bits64((i & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu);
  double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 0.28291754221932027;
  p = p * z + 0.31990447955959569;
  p = p * z + 0.4122092821485073;
  p = p * z + 0.57707794206839584;
  p = p * z + 0.96179669411437326;
  p = p * z + 2.8853900817778494;
  double log2 = p * s + (double)e;
  log2 = a == 0.0f ? -(double)INFINITY : (a == INFINITY ? (double)INFINITY : log2);

  double t = (double)y * log2;
  t = t > 200.0 ? 200.0 : t;
  t = t < -200.0 ? -200.0 : t;
  double k = t + 6755399441055744.0;
  uint64_t n = apus_bits64(k) - 0x4338000000000000u;
  double f = t - (k - 6755399441055744.0);
  double q = 1.5316460686254583e-5;
  q = q * f + 1.5469731619824435e-4;
  q = q * f + 1.3333422649328567e-3;
  q = q * f + 9.6180256043214883e-3;
  q = q * f + 5.5504109761060518e-2;
  q = q * f + 2.4022651213582266e-1;
  q = q * f + 6.9314718053502587e-1;
  q = q * f + 0.99999999995955008;
  float r = (float)(q * apus_from_bits64((n + 1023u) << 52));

  // Every float from 2^24 on is an even integer.
  int small = apus_abs(y) < 16777216.0f;
  int32_t whole = (int32_t)(small ? y : 0.0f);
  int integer = small ? (float)whole == y : 1;
  int odd = integer & whole & 1;
  r = a == 1.0f ? 1.0f : r;
  r = odd ? apus_copysign(r, x) : r;
  r = ((x < 0.0f) & (a < INFINITY) & !integer) ? NAN : r;
  r = ((x != x) | (y != y)) ? x + y : r;
  return ((x == 1.0f) | (y == 0.0f)) ? 1.0f : r;
}

#endif
