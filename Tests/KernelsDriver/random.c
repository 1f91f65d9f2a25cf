// Random numbers: Philox4x32-10, written again from the paper.
#include "driver.h"

static uint32_t word(uint64_t seed, uint64_t stream, uint64_t i) {
  const uint64_t block = i / 4;
  uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
  uint32_t k[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  for (int round = 0; round < 10; round++) {
    const uint64_t p = 0xd2511f53ull * c[0], q = 0xcd9e8d57ull * c[2];
    const uint32_t next[4] = {(uint32_t)(q >> 32) ^ c[1] ^ k[0], (uint32_t)q, (uint32_t)(p >> 32) ^ c[3] ^ k[1], (uint32_t)p};
    memcpy(c, next, sizeof c);
    k[0] += 0x9e3779b9u, k[1] += 0xbb67ae85u;
  }
  return c[i % 4];
}

static const uint64_t starts[] = {0, 1, 63, 64, 1001, 0x3fffffffcull, 0x100000000ull};
enum { start_count = sizeof starts / sizeof *starts };
static const uint64_t seed = 0x123456789abcdefull, stream = 0xfedcba9876543210ull;

static void bits(void) {
  // The first block of the paper's known answers: counter and key 0.
  uint32_t known[4];
  apus_random_bits(0, 0, known, 4);
  expect(known[0] == 0x6627e8d5u && known[1] == 0xe169c58du && known[2] == 0xbc57ac4cu && known[3] == 0x9b00dbd8u, "known answer");
  for (int s = 0; s < start_count; s++) EACH_SIZE(n) {
    uint32_t *y = room((ptrdiff_t)n, 4), *wanted = room((ptrdiff_t)n, 4);
    for (size_t i = 0; i < n; i++) wanted[i] = word(seed, stream, starts[s] + i);
    apus_random_bits_from(seed, stream, starts[s], y, (ptrdiff_t)n);
    expect_same(y, wanted, n * 4, "%zu from %llu", n, (unsigned long long)starts[s]);
    if (s > 0) continue;
    memset(y, 0, n * 4);
    apus_random_bits(seed, stream, y, (ptrdiff_t)n);
    expect_same(y, wanted, n * 4, "%zu", n);
  }
}

static double uniform_number(int dtype, uint64_t i) {
  if (dtype == APUS_FLOAT32) return (word(seed, stream, i) >> 8) * 0x1p-24;
  return (double)(((uint64_t)word(seed, stream, 2 * i + 1) << 32 | word(seed, stream, 2 * i)) >> 11) * 0x1p-53;
}

static void uniform(void) {
  EACH_FLOAT(dtype) for (int s = 0; s < start_count; s++) EACH_SIZE(n) {
    void *x = drawn(dtype, (ptrdiff_t)n, -1, 1), *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(dtype));
    double *wanted = room((ptrdiff_t)n, 8), *dropped = room((ptrdiff_t)n, 8);
    for (size_t i = 0; i < n; i++) {
      wanted[i] = uniform_number(dtype, starts[s] + i);
      dropped[i] = wanted[i] < 0.25 ? 0 : get(dtype, x, (ptrdiff_t)i) * 1.5;
    }
    apus_random_uniform_from(dtype, seed, stream, starts[s], y, (ptrdiff_t)n);
    expect_close(dtype, y, wanted, (ptrdiff_t)n, 0, 0, "type %d, %zu from %llu", dtype, n, (unsigned long long)starts[s]);
    if (s == 0) {
      memset(y, 0, n * (size_t)apus_dtype_size(dtype));
      apus_random_uniform(dtype, seed, stream, y, (ptrdiff_t)n);
      expect_close(dtype, y, wanted, (ptrdiff_t)n, 0, 0, "type %d, %zu", dtype, n);
    }
    apus_dropout(dtype, seed, stream, starts[s], 0.25, 1.5, x, y, (ptrdiff_t)n);
    expect_close(dtype, y, dropped, (ptrdiff_t)n, NEAR(dtype), 0, "dropout, type %d, %zu from %llu", dtype, n, (unsigned long long)starts[s]);
    apus_dropout(dtype, seed, stream, starts[s], 0.25, 1.5, x, x, (ptrdiff_t)n);
    expect_same(x, y, n * (size_t)apus_dtype_size(dtype), "dropout in place, type %d, %zu", dtype, n);
  }
}

static double normal_number(int dtype, uint64_t i) {
  double radius, angle;
  if (dtype == APUS_FLOAT32) {
    const uint32_t u = word(seed, stream, i / 2 * 2), v = word(seed, stream, i / 2 * 2 + 1);
    // The uniform number is one of float32: near 1 that decides about the radius.
    radius = sqrt(-2 * log((double)(float)((double)u + 1) * 0x1p-32));
    // The top two bits choose a quarter of the circle by a swap and a sign, the others an angle within a quarter of it.
    const double a = (double)(int32_t)(v << 2) * 0x1p-32 * M_PI_2;
    const int swap = v >> 30 & 1, flip = (int)(v >> 31);
    const double value = (i % 2 == 0) == swap ? sin(a) : cos(a);
    return radius * (flip ? -value : value);
  }
  const uint64_t at = i / 2 * 4;
  const uint64_t a = (uint64_t)word(seed, stream, at + 1) << 32 | word(seed, stream, at);
  const uint64_t b = (uint64_t)word(seed, stream, at + 3) << 32 | word(seed, stream, at + 2);
  radius = sqrt(-2 * log((double)((a >> 11) + 1) * 0x1p-53));
  angle = (double)(b >> 11) * 0x1p-53 * 2 * M_PI;
  return radius * (i % 2 == 0 ? cos(angle) : sin(angle));
}

static void normal(void) {
  EACH_FLOAT(dtype) for (int s = 0; s < start_count; s++) EACH_SIZE(n) {
    void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(dtype));
    double *wanted = room((ptrdiff_t)n, 8);
    for (size_t i = 0; i < n; i++) wanted[i] = normal_number(dtype, starts[s] + i);
    // An angle of float32 is off by half a unit of its own.
    const double far = dtype == APUS_FLOAT32 ? 5e-7 : 1e-14;
    apus_random_normal_from(dtype, seed, stream, starts[s], y, (ptrdiff_t)n);
    expect_close(dtype, y, wanted, (ptrdiff_t)n, 4 * NEAR(dtype), far, "type %d, %zu from %llu", dtype, n, (unsigned long long)starts[s]);
    if (s > 0) continue;
    memset(y, 0, n * (size_t)apus_dtype_size(dtype));
    apus_random_normal(dtype, seed, stream, y, (ptrdiff_t)n);
    expect_close(dtype, y, wanted, (ptrdiff_t)n, 4 * NEAR(dtype), far, "type %d, %zu", dtype, n);
  }
}

const row random_rows[] = {
    {"apus_random_bits apus_random_bits_from", bits},
    {"apus_random_uniform apus_random_uniform_from apus_dropout", uniform},
    {"apus_random_normal apus_random_normal_from", normal},
    {0},
};
