// How large the blocks of a product are, by type of CPU.
#ifndef APUS_GEMM_SIZES_H
#define APUS_GEMM_SIZES_H

#include "kernel.h"

/// The sizes for this CPU, the same in every run.
const apus_gemm_sizes *apus_gemm_sizes_here(void);

#endif
