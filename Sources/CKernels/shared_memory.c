// Memory that processes share.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sys/mman.h>

#include "CKernels.h"

int32_t apus_shared_file(void) {
#if defined(__linux__)
  return memfd_create("apus", MFD_CLOEXEC);
#else
  return -1;
#endif
}

void apus_release_pages(int32_t file, int64_t start, int64_t count) {
#if defined(__linux__)
  fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, count);
#endif
}
