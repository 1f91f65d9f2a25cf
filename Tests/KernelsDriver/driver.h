// What the rows of the driver share: memory with guards, random numbers, comparisons.
#ifndef APUS_DRIVER_H
#define APUS_DRIVER_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

/// A row of the table: the kernels that it compares with a plain loop, by name and with blanks between, and how.
typedef struct {
  const char *kernels;
  void (*run)(void);
} row;

/// The rows of each file, up to one without a name.
extern const row elementwise_rows[], loop_rows[], reduction_rows[], sequence_rows[], attention_rows[], index_rows[],
    convolution_rows[], pooling_rows[], optimizer_rows[], random_rows[], product_rows[], recurrence_rows[],
    system_rows[];

/// Nothing, one, whole vectors, one less and one more, long.
static const ptrdiff_t sizes[] = {0, 1, 2, 7, 15, 16, 17, 33, 64, 67, 255, 1000, 5003};
#define EACH_SIZE(n) for (size_t n##_at = 0, n = 0; n##_at < sizeof sizes / sizeof *sizes && (n = (size_t)sizes[n##_at], 1); n##_at++)

#define EACH_FLOAT(dtype) for (int dtype = APUS_FLOAT32; dtype <= APUS_FLOAT64; dtype++)
#define EACH_NUMBER(dtype) for (int dtype = APUS_FLOAT32; dtype <= APUS_UINT8; dtype++)

/// How far a result of one or two operations may be off, by the type.
#define NEAR(dtype) ((dtype) == APUS_FLOAT32 ? 4e-7 : 1e-15)

/// Zeroed memory for `count` elements between guards, which are looked at when the row ends. It belongs to the row.
void *room(ptrdiff_t count, size_t size);

/// Memory for n elements with random values in low ..< high, rounded to the type.
void *drawn(int dtype, ptrdiff_t n, double low, double high);

/// A copy of memory from `room`.
void *copied(const void *x);

/// A random number in low ..< high.
double draw(double low, double high);

/// Element i as a number, and the other way round (integers wrap).
double get(int dtype, const void *x, ptrdiff_t i);
void put(int dtype, void *x, ptrdiff_t i, double value);

/// Notes a fault unless `condition`; `what` says what was compared.
void expect(int condition, const char *what, ...) __attribute__((format(printf, 2, 3)));

/// Notes a fault unless each of n elements is within `far + near·|wanted|` of what is wanted; equal infinities and NaN are equal.
void expect_close(int dtype, const void *got, const double *wanted, ptrdiff_t n, double near, double far, const char *what, ...)
    __attribute__((format(printf, 7, 8)));

/// Notes a fault unless the bytes are the same.
void expect_same(const void *got, const void *wanted, size_t bytes, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

#endif
