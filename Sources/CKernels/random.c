// Counter-based random numbers.
//
// Products are not fused here: a number is the same on every CPU, whatever clone makes it.
#define APUS_EXACT_PRODUCTS
#include <math.h>

#include "vector_math.h"

// Blocks of four words made together, one a lane.
#define APUS_WIDTH 16
#define APUS_WORDS (4 * APUS_WIDTH)

// Words 4·block ... of 16 consecutive blocks, in order. The counter is (block, stream), the key the
// seed; constants and rounds are those of the paper.
//
// Each word has a lane of 64 bits, as the product of two needs; what is left in its upper half is
// cut off where it is used.
APUS_INLINE void philox(uint64_t seed, uint64_t stream, uint64_t block, uint32_t *word) {
  uint64_t c0[APUS_WIDTH], c1[APUS_WIDTH], c2[APUS_WIDTH], c3[APUS_WIDTH];
  for (int j = 0; j < APUS_WIDTH; j++) {
    c0[j] = block + (uint64_t)j;
    c1[j] = (block + (uint64_t)j) >> 32;
    c2[j] = stream;
    c3[j] = stream >> 32;
  }
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
    APUS_VECTORIZE
    for (int j = 0; j < APUS_WIDTH; j++) {
      const uint64_t p = (uint64_t)0xd2511f53u * (uint32_t)c0[j];
      const uint64_t q = (uint64_t)0xcd9e8d57u * (uint32_t)c2[j];
      c0[j] = (q >> 32) ^ c1[j] ^ k0;
      c1[j] = q;
      c2[j] = (p >> 32) ^ c3[j] ^ k1;
      c3[j] = p;
    }
  }
  for (int j = 0; j < APUS_WIDTH; j++) {
    word[4 * j] = (uint32_t)c0[j];
    word[4 * j + 1] = (uint32_t)c1[j];
    word[4 * j + 2] = (uint32_t)c2[j];
    word[4 * j + 3] = (uint32_t)c3[j];
  }
}

APUS_INLINE void as_bits(const uint32_t *word, uint32_t *y) {
  memcpy(y, word, APUS_WORDS * sizeof(uint32_t));
}

APUS_INLINE void as_uniform_f32(const uint32_t *word, float *y) {
  for (int i = 0; i < APUS_WORDS; i++) y[i] = (float)(int32_t)(word[i] >> 8) * 0x1p-24f;
}

APUS_INLINE void as_uniform_f64(const uint32_t *word, double *y) {
  for (int i = 0; i < APUS_WORDS / 2; i++) {
    const uint64_t bits = (uint64_t)word[2 * i + 1] << 32 | word[2 * i];
    y[i] = (double)(int64_t)(bits >> 11) * 0x1p-53;
  }
}

// Two words give two numbers: a radius √(−2 log u) with u in (0, 1], and a direction. The top two
// bits of the second word choose a quarter of the circle, the others an angle within ±π/4 of it,
// where sine and cosine are short polynomials (Cephes).
APUS_INLINE void as_normal_f32(const uint32_t *word, float *y) {
  APUS_VECTORIZE
  for (int i = 0; i < APUS_WORDS / 2; i++) {
    const uint32_t u = word[2 * i], v = word[2 * i + 1];
    // Both halves of u are exact, so that no CPU rounds the conversion differently.
    const float high = (float)(int32_t)(u >> 16) * 65536.0f, low = (float)(int32_t)(u & 0xffffu);
    const float radius = __builtin_elementwise_sqrt(
        -2.0f * apus_logf((high + (low + 1.0f)) * 0x1p-32f));
    const float a = (float)(int32_t)(v << 2) * (0x1p-32f * 1.57079632679489662f), z = a * a;
    const float s =
        ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * (z * a) + a;
    const float c = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z +
                     4.166664568298827e-2f) * (z * z) - 0.5f * z + 1.0f;
    const int swap = (v >> 30) & 1, flip = (int)(v >> 31);
    const float first = swap ? s : c, second = swap ? c : s;
    y[2 * i] = radius * (flip ? -first : first);
    y[2 * i + 1] = radius * (flip ? -second : second);
  }
}

APUS_INLINE void as_normal_f64(const uint32_t *word, double *y) {
  for (int i = 0; i < APUS_WIDTH; i++) {
    const uint64_t a = (uint64_t)word[4 * i + 1] << 32 | word[4 * i];
    const uint64_t b = (uint64_t)word[4 * i + 3] << 32 | word[4 * i + 2];
    const double radius = sqrt(-2 * log((double)(int64_t)((a >> 11) + 1) * 0x1p-53));
    const double angle = (double)(int64_t)(b >> 11) * (0x1p-53 * 6.28318530717958647693);
    y[2 * i] = radius * cos(angle);
    y[2 * i + 1] = radius * sin(angle);
  }
}

/// Defines `name`: n values from position `first`, when 16 blocks make `PER` values by `MAKE`.
/// A piece may begin and end within blocks.
#define APUS_RANDOM(name, T, PER, MAKE)                                                       \
  APUS_CLONES(void, name, (uint64_t seed, uint64_t stream, uint64_t first, T *y,              \
              ptrdiff_t n), (seed, stream, first, y, n)) {                                    \
    uint32_t word[APUS_WORDS];                                                                \
    T value[PER];                                                                             \
    while (n > 0) {                                                                           \
      const ptrdiff_t skip = (ptrdiff_t)(first % (PER));                                      \
      const ptrdiff_t count = apus_min((PER)-skip, n);                                        \
      philox(seed, stream, first / (PER) * APUS_WIDTH, word);                                 \
      MAKE(word, value);                                                                      \
      memcpy(y, value + skip, (size_t)count * sizeof(T));                                     \
      y += count;                                                                             \
      n -= count;                                                                             \
      first += (uint64_t)count;                                                               \
    }                                                                                         \
  }
APUS_RANDOM(bits, uint32_t, APUS_WORDS, as_bits)
APUS_RANDOM(uniform_f32, float, APUS_WORDS, as_uniform_f32)
APUS_RANDOM(uniform_f64, double, APUS_WORDS / 2, as_uniform_f64)
APUS_RANDOM(normal_f32, float, APUS_WORDS, as_normal_f32)
APUS_RANDOM(normal_f64, double, APUS_WORDS / 2, as_normal_f64)

/// Defines `name`: dropout with the uniform numbers of `MAKE`, 16 blocks at a time.
#define APUS_DROPOUT(name, T, PER, MAKE)                                                      \
  APUS_CLONES(void, name, (uint64_t seed, uint64_t stream, uint64_t first, T rate, T scale,   \
              const T *x, T *y, ptrdiff_t n), (seed, stream, first, rate, scale, x, y, n)) {  \
    uint32_t word[APUS_WORDS];                                                                \
    T value[PER];                                                                             \
    while (n > 0) {                                                                           \
      const ptrdiff_t skip = (ptrdiff_t)(first % (PER));                                      \
      const ptrdiff_t count = apus_min((PER)-skip, n);                                        \
      philox(seed, stream, first / (PER) * APUS_WIDTH, word);                                 \
      MAKE(word, value);                                                                      \
      const T *u = value + skip;                                                              \
      APUS_VECTORIZE                                                                          \
      for (ptrdiff_t i = 0; i < count; i++) {                                                 \
        const T kept = x[i] * scale;                                                          \
        y[i] = u[i] < rate ? 0 : kept;                                                        \
      }                                                                                       \
      x += count;                                                                             \
      y += count;                                                                             \
      n -= count;                                                                             \
      first += (uint64_t)count;                                                               \
    }                                                                                         \
  }
APUS_DROPOUT(dropout_f32, float, APUS_WORDS, as_uniform_f32)
APUS_DROPOUT(dropout_f64, double, APUS_WORDS / 2, as_uniform_f64)

void apus_dropout(int dtype, uint64_t seed, uint64_t stream, uint64_t first, double rate,
                  double scale, const void *x, void *y, ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) {
    dropout_f32(seed, stream, first, (float)rate, (float)scale, x, y, n);
  }
  if (dtype == APUS_FLOAT64) dropout_f64(seed, stream, first, rate, scale, x, y, n);
}

void apus_random_bits_from(uint64_t seed, uint64_t stream, uint64_t first, uint32_t *y,
                           ptrdiff_t n) {
  bits(seed, stream, first, y, n);
}

void apus_random_bits(uint64_t seed, uint64_t stream, uint32_t *y, ptrdiff_t n) {
  bits(seed, stream, 0, y, n);
}

void apus_random_uniform_from(int dtype, uint64_t seed, uint64_t stream, uint64_t first, void *y,
                              ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) uniform_f32(seed, stream, first, y, n);
  if (dtype == APUS_FLOAT64) uniform_f64(seed, stream, first, y, n);
}

void apus_random_uniform(int dtype, uint64_t seed, uint64_t stream, void *y, ptrdiff_t n) {
  apus_random_uniform_from(dtype, seed, stream, 0, y, n);
}

void apus_random_normal_from(int dtype, uint64_t seed, uint64_t stream, uint64_t first, void *y,
                             ptrdiff_t n) {
  if (dtype == APUS_FLOAT32) normal_f32(seed, stream, first, y, n);
  if (dtype == APUS_FLOAT64) normal_f64(seed, stream, first, y, n);
}

void apus_random_normal(int dtype, uint64_t seed, uint64_t stream, void *y, ptrdiff_t n) {
  apus_random_normal_from(dtype, seed, stream, 0, y, n);
}
