// Which CPU this is, which kernels it takes, how many there are, and the sizes of element types.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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

// Levels from the best one down.
static const struct {
  int number;
  const char *name;
} levels[] = {{4, "x86-64-v4"}, {3, "x86-64-v3"}, {1, "baseline"}};
enum { level_count = sizeof levels / sizeof levels[0] };

// Until it has been chosen, what every CPU runs.
int apus_level = 1;

static int best_level(void) {
#if APUS_HAS_CLONES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return 4;
  if (__builtin_cpu_supports("x86-64-v3")) return 3;
#endif
  return 1;
}

static const char *level_name(int number) {
  int i = 0;
  while (levels[i].number > number) i++;
  return levels[i].name;
}

const char *apus_cpu_target(void) { return level_name(apus_level); }

const char *apus_cpu_best_target(void) { return level_name(best_level()); }

// Before the main program: no kernel has run, and no thread reads the level.
__attribute__((constructor)) static void choose_level(void) {
  const int best = best_level();
  apus_level = best;
  const char *wanted = getenv(APUS_CPU_VARIABLE);
  if (wanted == NULL || *wanted == 0) return;
  int i = 0;
  while (i < level_count && strcmp(levels[i].name, wanted) != 0) i++;
  if (i < level_count && levels[i].number <= best) {
    apus_level = levels[i].number;
    return;
  }
  if (i < level_count) {
    fprintf(stderr, "Error: %s is %s, but this CPU has %s: name that one or a lower one, or unset it\n",
            APUS_CPU_VARIABLE, wanted, level_name(best));
  } else {
    fprintf(stderr, "Error: %s is \"%s\": it must be x86-64-v4, x86-64-v3 or baseline\n",
            APUS_CPU_VARIABLE, wanted);
  }
  _exit(1);
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
