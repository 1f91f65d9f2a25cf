// What a core can do at most: fused multiply-adds from registers, and reading from memory. Kernels are compared with that.
#include "kernel.h"

// Twelve sums that do not depend on each other keep two units of four cycles' latency busy. Each has the length of a
// register: a longer vector would be split into more registers than there are.
#define CHAINS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
enum { chains = 12 };

// Different starts, or the compiler would take equal chains for one. Values stay normal numbers: they go to 1.
#define START(i) lanes s##i = (float)(i) + start;
#define STEP(i) s##i = s##i * half + half;
#define TOTAL(i) total += s##i[0];

#define FMA_LOOP(name, target, width)                                                            \
  target static float name(ptrdiff_t count, float start) {                                       \
    typedef __attribute__((ext_vector_type(width))) float lanes;                                 \
    const lanes half = 0.5f;                                                                     \
    CHAINS(START)                                                                                \
    for (ptrdiff_t i = 0; i < count; i++) { CHAINS(STEP) }                                       \
    float total = 0;                                                                             \
    CHAINS(TOTAL)                                                                                \
    return total;                                                                                \
  }

FMA_LOOP(fma_128, , 4)
#if APUS_HAS_CLONES
FMA_LOOP(fma_256, __attribute__((target("arch=x86-64-v3"))), 8)
FMA_LOOP(fma_512, __attribute__((target("arch=x86-64-v4"))), 16)
#endif

double apus_fma_loop(ptrdiff_t count, float *result) {
#if APUS_HAS_CLONES
  const int level = apus_cpu_level();
  if (level == 4) {
    *result = fma_512(count, *result);
    return 2.0 * 16 * chains * (double)count;
  }
  if (level == 3) {
    *result = fma_256(count, *result);
    return 2.0 * 8 * chains * (double)count;
  }
#endif
  *result = fma_128(count, *result);
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
