// Products of small matrices that lie in the cache, without packing.
#ifndef APUS_BLOCK_PRODUCT_H
#define APUS_BLOCK_PRODUCT_H

#include "kernel.h"

// Vectors as wide as the registers of each level.
#define APUS_SHORT_VECTOR(lanes) \
  __attribute__((ext_vector_type(lanes), aligned(4), may_alias)) float
typedef APUS_SHORT_VECTOR(4) apus_vector_4;
typedef APUS_SHORT_VECTOR(8) apus_vector_8;
typedef APUS_SHORT_VECTOR(16) apus_vector_16;

#define APUS_V3 __attribute__((target("arch=x86-64-v3")))
#define APUS_V4 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))

/// Rows of a product come in multiples of this; callers pad their matrices.
#define APUS_PRODUCT_ROWS 8
/// Columns of a product come in multiples of this.
#define APUS_PRODUCT_COLUMNS 16

/// A left factor: element (i, k) is `data[i·row + k·depth]`, and one of the strides is 1.
typedef struct {
  const float *data;
  ptrdiff_t row, depth;
} apus_left;

/// `c = a · b`, or `c += a · b` with `add`: `rows` × `depth` times `depth` × `columns`, rows of b
/// and c being `b_row` and `c_row` apart.
void apus_block_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add);

#endif
