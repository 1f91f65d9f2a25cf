// What a core can do at most: fused multiply-adds from registers, and reading from memory. Kernels are compared with that.
#include "block_product.h"

// Twelve sums that do not depend on each other keep two units of four cycles' latency busy. Each is a register: the
// instruction is written out, since a compiler may split a vector into shorter ones, at half the speed.
enum { chains = 12 };

// Values stay normal numbers: they go to 1.
#define FMA_LOOP(level, target, vector, width, step)                                       \
  target static float fma_##level(ptrdiff_t count, float start) {                          \
    const vector half = 0.5f;                                                              \
    vector sum[chains];                                                                    \
    APUS_PRAGMA(clang loop unroll(full))                                                   \
    for (int i = 0; i < chains; i++) sum[i] = start + (float)i;                            \
    for (ptrdiff_t k = 0; k < count; k++) {                                                \
      APUS_PRAGMA(clang loop unroll(full))                                                 \
      for (int i = 0; i < chains; i++) step(sum[i], half);                                 \
    }                                                                                      \
    vector total = 0;                                                                      \
    APUS_PRAGMA(clang loop unroll(full))                                                   \
    for (int i = 0; i < chains; i++) total += sum[i];                                      \
    float all = 0;                                                                         \
    APUS_PRAGMA(clang loop unroll(full))                                                   \
    for (int lane = 0; lane < width; lane++) all += total[lane];                           \
    return all;                                                                            \
  }

#if defined(__x86_64__)
#define SEPARATE(sum, half) \
  __asm__ volatile("mulps %1, %0\n\taddps %1, %0" : "+x"(sum) : "x"(half))
#else
#define SEPARATE(sum, half) sum = sum * half + half
#endif
FMA_LOOP(baseline, , apus_vector_4, 4, SEPARATE)

#if APUS_HAS_CLONES
#define FUSED(sum, half) __asm__ volatile("vfmadd213ps %1, %1, %0" : "+v"(sum) : "v"(half))
FMA_LOOP(v3, APUS_V3, apus_vector_8, 8, FUSED)
FMA_LOOP(v4, APUS_V4, apus_vector_16, 16, FUSED)
#endif

double apus_fma_loop(ptrdiff_t count, float *result) {
#if APUS_HAS_CLONES
  const int level = apus_cpu_level();
  if (level == 4) {
    *result = fma_v4(count, *result);
    return 2.0 * 16 * chains * (double)count;
  }
  if (level == 3) {
    *result = fma_v3(count, *result);
    return 2.0 * 8 * chains * (double)count;
  }
#endif
  *result = fma_baseline(count, *result);
  return 2.0 * 4 * chains * (double)count;
}

APUS_CLONES(void, read_loop, (const float *x, ptrdiff_t n, float *result), (x, n, result)) {
  apus_vector_f32 a = 0, b = 0, c = 0, d = 0;
  for (ptrdiff_t i = 0; i + 64 <= n; i += 64) {
    a += *(const apus_vector_f32 *)(x + i);
    b += *(const apus_vector_f32 *)(x + i + 16);
    c += *(const apus_vector_f32 *)(x + i + 32);
    d += *(const apus_vector_f32 *)(x + i + 48);
  }
  a += b + c + d;
  *result = a[0] + a[7] + a[15];
}

void apus_read_loop(const float *x, ptrdiff_t n, float *result) { read_loop(x, n, result); }
