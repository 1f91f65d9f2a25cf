// How large the blocks of a product are, by type of CPU: a table, since what a measurement finds can differ from run to
// run and from rank to rank, and with it the order of sums.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "gemm_sizes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Right factors are read where they lie, and what comes next is fetched in time.
static const apus_gemm_sizes fetching = {
    .vectors = 3, .depth = 256, .rows = 64, .copied_rows = 256, .columns = 480, .ahead = 4, .packs_left = 1};

// First-level caches too small to fetch into; rows that are pages apart are copied.
static const apus_gemm_sizes copying = {
    .vectors = 2, .depth = 384, .rows = 256, .copied_rows = 256, .columns = 128, .packs_spread = 1, .flips = 1};

// `apus bench gemm --tune` prints a CPU's line.
static const struct {
  const char *vendor;
  int first_family, last_family;
  const apus_gemm_sizes *sizes;
} table[] = {
    {"AuthenticAMD", 25, 26, &copying},  // Zen 3 to Zen 5; measured on Zen 4
    {"GenuineIntel", 6, 6, &fetching},   // measured on Emerald Rapids
};

// By name, whatever the CPU is: for tests, and for machines of several kinds that are to add up in the same order.
static const apus_gemm_sizes *named_sizes(void) {
  const char *name = getenv(APUS_PRODUCTS_VARIABLE);
  if (name == NULL || *name == 0) return NULL;
  if (strcmp(name, "fetching") == 0) return &fetching;
  if (strcmp(name, "copying") == 0) return &copying;
  fprintf(stderr, "Error: %s is \"%s\": it must be fetching or copying\n", APUS_PRODUCTS_VARIABLE, name);
  _exit(1);
}

static const apus_gemm_sizes *sizes_of_cpu(void) {
  char vendor[13];
  int family, model;
  apus_cpu_identity(vendor, &family, &model);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(vendor, table[i].vendor) == 0 && family >= table[i].first_family &&
        family <= table[i].last_family) {
      return table[i].sizes;
    }
  }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  if (sysconf(_SC_LEVEL1_DCACHE_SIZE) >= 48 << 10) return &fetching;
#endif
  return &copying;
}

static _Atomic(const apus_gemm_sizes *) chosen;

const apus_gemm_sizes *apus_gemm_sizes_here(void) {
  const apus_gemm_sizes *sizes = atomic_load_explicit(&chosen, memory_order_acquire);
  if (sizes != NULL) return sizes;
  sizes = named_sizes();
  if (sizes == NULL) sizes = sizes_of_cpu();
  atomic_store_explicit(&chosen, sizes, memory_order_release);
  return sizes;
}

void apus_gemm_get_sizes(apus_gemm_sizes *sizes) { *sizes = *apus_gemm_sizes_here(); }

void apus_gemm_set_sizes(const apus_gemm_sizes *sizes) {
  static apus_gemm_sizes tried;
  tried = *sizes;
  atomic_store_explicit(&chosen, &tried, memory_order_release);
}
