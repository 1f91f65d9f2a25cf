// What every kernel file shares: compilation for several CPUs, element types, vectors.
#ifndef APUS_KERNEL_H
#define APUS_KERNEL_H

#include <stdint.h>
#include <string.h>

#include "CKernels.h"

// A function marked `APUS_CLONES` is compiled for three levels of x86-64, and the loader binds its
// name to the best one this CPU runs. Helpers must be `APUS_INLINE`, so that they are compiled
// again inside each clone. `APUS_MAX_LEVEL` (3 or 1; see `APUS_CPU` in Package.swift) leaves out the
// levels above it, so that tests on a new CPU run the code of older ones.
#ifndef APUS_MAX_LEVEL
#define APUS_MAX_LEVEL 4
#endif
#if defined(__x86_64__) && defined(__linux__) && defined(__clang__) && APUS_MAX_LEVEL >= 3
#define APUS_HAS_CLONES 1
#if APUS_MAX_LEVEL >= 4
#define APUS_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define APUS_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
#else
#define APUS_HAS_CLONES 0
#define APUS_CLONES
#endif

// The level of x86-64 that code written out for each level takes, chosen as the clones are: 4, 3, or
// 1 for the baseline.
static inline int apus_cpu_level(void) {
#if APUS_HAS_CLONES
  __builtin_cpu_init();
  if (APUS_MAX_LEVEL >= 4 && __builtin_cpu_supports("x86-64-v4")) return 4;
  if (__builtin_cpu_supports("x86-64-v3")) return 3;
#endif
  return 1;
}

#define APUS_INLINE static inline __attribute__((always_inline))

#define APUS_PRAGMA(text) _Pragma(#text)

/// Before a loop over elements: the only overlap allowed is an output that is exactly an input,
/// and iteration i reads and writes element i only, so iterations are independent.
#define APUS_VECTORIZE APUS_PRAGMA(clang loop vectorize(assume_safety))

/// Before a loop too short, or with strides too wide, to be worth the code of vectors.
#define APUS_SCALAR APUS_PRAGMA(clang loop vectorize(disable) interleave(disable))

// Fused multiply-add where the CPU has it. Random numbers opt out, to be the same on every CPU.
#ifndef APUS_EXACT_PRODUCTS
#pragma clang fp contract(fast)
#else
#pragma clang fp contract(off)
#endif

// Element types: F(code of the type, suffix of function names, C type).
#define APUS_FLOATS(F) F(APUS_FLOAT32, f32, float) F(APUS_FLOAT64, f64, double)
#define APUS_INTEGERS(F) \
  F(APUS_INT32, i32, int32_t) F(APUS_INT64, i64, int64_t) F(APUS_UINT8, u8, uint8_t)
#define APUS_NUMBERS(F) APUS_FLOATS(F) APUS_INTEGERS(F)
#define APUS_ALL_TYPES(F) APUS_NUMBERS(F) F(APUS_BOOL, b8, uint8_t)

APUS_INLINE ptrdiff_t apus_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// Vectors of 16 numbers with an element's alignment. The compiler splits them to what the CPU has;
// their lanes fix the order of a sum independently of the CPU.
#define APUS_LANES 16
#define APUS_VECTOR(T) __attribute__((ext_vector_type(16), aligned(sizeof(T)), may_alias)) T
typedef APUS_VECTOR(float) apus_vector_f32;
typedef APUS_VECTOR(double) apus_vector_f64;

#endif
