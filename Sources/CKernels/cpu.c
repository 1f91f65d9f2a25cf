// Which CPU this is, and the sizes of element types.
#include "kernel.h"

const char *apus_cpu_target(void) {
#if APUS_HAS_CLONES
  // The test the resolvers of `target_clones` make, in their order.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
#endif
  return "baseline";
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
