// What every kernel file shares: compilation for several CPUs, element types, vectors.
#ifndef APUS_KERNEL_H
#define APUS_KERNEL_H

#include <stdint.h>
#include <string.h>

#include "CKernels.h"

// Files hold what memory holds, and counts are those of Swift's `Int`.
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_POINTER__ != 8
#error "Apus needs a little-endian CPU of 64 bits: x86-64 or ARM"
#endif

#define APUS_INLINE static inline __attribute__((always_inline))

// Whether kernels are compiled for the levels of x86-64.
#if defined(__x86_64__) && defined(__clang__)
#define APUS_HAS_CLONES 1
#else
#define APUS_HAS_CLONES 0
#endif

// The level of x86-64 whose kernels this process takes: 4, 3, or 1 for the baseline.
extern int apus_level __attribute__((visibility("hidden")));
static inline int apus_cpu_level(void) { return apus_level; }

// A static function that is compiled for each level, and called as the one of this process's:
//
//   APUS_CLONES(void, negate, (const float *x, float *y, ptrdiff_t n), (x, y, n)) { ... }
//
// defines `void negate(const float *x, float *y, ptrdiff_t n)`. Helpers must be `APUS_INLINE`, so that they are
// compiled again inside each clone. `target_clones` of the compiler would be shorter, but those are bound by
// the loader, before anything can read the environment and before a sanitizer has started.
#if APUS_HAS_CLONES
#define APUS_CLONES(type, name, parameters, arguments) \
  APUS_CLONES_NAMED(type, name, parameters, arguments)
// Tuned for no CPU in particular: for x86-64-v4 itself the compiler would not use vectors of 512 bits. A CPU that cannot
// ask for lines to be written does nothing instead.
#define APUS_FOR_V3 __attribute__((target("arch=x86-64-v3,prfchw,tune=x86-64")))
#define APUS_FOR_V4 \
  __attribute__((target("arch=x86-64-v4,prfchw,tune=x86-64"), min_vector_width(512)))
#define APUS_CLONES_NAMED(type, name, parameters, arguments)                          \
  APUS_INLINE type name##_body parameters;                                            \
  APUS_FOR_V4 static type name##_v4 parameters { return name##_body arguments; }      \
  APUS_FOR_V3 static type name##_v3 parameters { return name##_body arguments; }      \
  static type name##_baseline parameters { return name##_body arguments; }            \
  static type name parameters {                                                       \
    const int level = apus_cpu_level();                                               \
    if (level == 4) return name##_v4 arguments;                                       \
    if (level == 3) return name##_v3 arguments;                                       \
    return name##_baseline arguments;                                                 \
  }                                                                                   \
  APUS_INLINE type name##_body parameters
#else
#define APUS_CLONES(type, name, parameters, arguments) static type name parameters
#endif

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
