// Which CPU this is, how many there are, and the sizes of element types.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <string.h>
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

#if defined(__x86_64__)
#include <cpuid.h>

void apus_cpu_identity(char vendor[13], int *family, int *model) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  vendor[0] = 0;
  *family = *model = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return;
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  vendor[12] = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  // The extended parts count as Intel's and AMD's manuals say (Intel SDM, CPUID; AMD APM 3, E.3.2).
  *family = (a >> 8) & 15;
  *model = (a >> 4) & 15;
  if (*family == 6 || *family == 15) *model += ((a >> 16) & 15) << 4;
  if (*family == 15) *family += (a >> 20) & 255;
}
#else
void apus_cpu_identity(char vendor[13], int *family, int *model) {
  vendor[0] = 0;
  *family = *model = 0;
}
#endif

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
