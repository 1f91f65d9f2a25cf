// Winograd's minimal filtering F(4, 3) along one axis: four outputs, three taps, six inputs, as
// values of polynomials at six points.
//
// Points are 0, ±1/√2, ±√2, ∞. Every constant then lies between 1/6 and 2√2, and errors are a
// seventh of those of the usual 0, ±1, ±2, ∞.
#ifndef APUS_WINOGRAD_POINTS_H
#define APUS_WINOGRAD_POINTS_H

#include "kernel.h"

static const float P = 0.70710678118654752f, Q = 1.41421356237309505f;

typedef apus_vector_f32 vec;

/// Bᵀ: six inputs to six points.
APUS_INLINE void image_to_points(vec d[6]) {
  const vec even_p = d[4] - 2 * d[2], odd_p = P * d[3] - Q * d[1];
  const vec even_q = d[4] - 0.5f * d[2], odd_q = Q * d[3] - P * d[1];
  d[0] = d[0] - 2.5f * d[2] + d[4];
  d[5] = d[1] - 2.5f * d[3] + d[5];
  d[1] = even_p + odd_p;
  d[2] = even_p - odd_p;
  d[3] = even_q + odd_q;
  d[4] = even_q - odd_q;
}

/// B: what six points give to six inputs.
APUS_INLINE void points_to_image(vec v[6]) {
  const vec sum_p = v[1] + v[2], difference_p = v[1] - v[2];
  const vec sum_q = v[3] + v[4], difference_q = v[3] - v[4];
  v[1] = v[5] - Q * difference_p - P * difference_q;
  v[2] = -2.5f * v[0] - 2 * sum_p - 0.5f * sum_q;
  v[3] = P * difference_p + Q * difference_q - 2.5f * v[5];
  v[4] = v[0] + sum_p + sum_q;
}

/// Aᵀ: six points to four outputs.
APUS_INLINE void points_to_output(const vec m[6], vec y[4]) {
  const vec sum_p = m[1] + m[2], difference_p = m[1] - m[2];
  const vec sum_q = m[3] + m[4], difference_q = m[3] - m[4];
  y[0] = m[0] + sum_p + sum_q;
  y[1] = P * difference_p + Q * difference_q;
  y[2] = 0.5f * sum_p + 2 * sum_q;
  y[3] = m[5] + (0.5f * P) * difference_p + (2 * Q) * difference_q;
}

/// A: four outputs to six points.
APUS_INLINE void output_to_points(const vec y[4], vec w[6]) {
  const vec even_p = y[0] + 0.5f * y[2], odd_p = P * y[1] + (0.5f * P) * y[3];
  const vec even_q = y[0] + 2 * y[2], odd_q = Q * y[1] + (2 * Q) * y[3];
  w[0] = y[0];
  w[1] = even_p + odd_p;
  w[2] = even_p - odd_p;
  w[3] = even_q + odd_q;
  w[4] = even_q - odd_q;
  w[5] = y[3];
}

/// G: three cells of the kernel to six points.
APUS_INLINE void kernel_to_points(const vec k[3], vec u[6]) {
  const vec even_p = (-2.0f / 3) * k[0] - (1.0f / 3) * k[2], odd_p = (-2.0f / 3 * P) * k[1];
  const vec even_q = (1.0f / 6) * k[0] + (1.0f / 3) * k[2], odd_q = (1.0f / 6 * Q) * k[1];
  u[0] = k[0];
  u[1] = even_p + odd_p;
  u[2] = even_p - odd_p;
  u[3] = even_q + odd_q;
  u[4] = even_q - odd_q;
  u[5] = k[2];
}

/// Gᵀ: what six points give to three cells of the kernel.
APUS_INLINE void points_to_kernel(const vec u[6], vec k[3]) {
  const vec sum_p = u[1] + u[2], sum_q = u[3] + u[4];
  k[0] = u[0] - (2.0f / 3) * sum_p + (1.0f / 6) * sum_q;
  k[1] = (1.0f / 6 * Q) * (u[3] - u[4]) - (2.0f / 3 * P) * (u[1] - u[2]);
  k[2] = u[5] - (1.0f / 3) * sum_p + (1.0f / 3) * sum_q;
}

#endif
