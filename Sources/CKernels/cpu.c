// Which CPU this is, how many there are, and the sizes of element types.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <unistd.h>

#include "kernel.h"

int apus_cpu_count(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

const char *apus_cpu_target(void) {
  switch (apus_cpu_level()) {
    case 4: return "x86-64-v4";
    case 3: return "x86-64-v3";
    default: return "baseline";
  }
}

int apus_dtype_size(int dtype) {
  switch (dtype) {
    case APUS_FLOAT32:
    case APUS_INT32: return 4;
    case APUS_FLOAT64:
    case APUS_INT64: return 8;
    case APUS_UINT8:
    case APUS_BOOL: return 1;
    default: return 0;
  }
}
