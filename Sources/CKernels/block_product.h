// Products of matrices that lie in the cache: one rectangle of the result at a time stays in registers.
#ifndef APUS_BLOCK_PRODUCT_H
#define APUS_BLOCK_PRODUCT_H

#include "kernel.h"

// Vectors as wide as the registers of each level.
#define APUS_SHORT_VECTOR(lanes) \
  __attribute__((ext_vector_type(lanes), aligned(4), may_alias)) float
typedef APUS_SHORT_VECTOR(4) apus_vector_4;
typedef APUS_SHORT_VECTOR(8) apus_vector_8;
typedef APUS_SHORT_VECTOR(16) apus_vector_16;

#define APUS_V3 __attribute__((target("arch=x86-64-v3,prfchw")))
#define APUS_V4 __attribute__((target("arch=x86-64-v4,prfchw"), min_vector_width(512)))

/// Rows of rectangles on any CPU: products of a multiple of them are fastest.
#define APUS_PRODUCT_ROWS 8
/// Columns of whole registers on any CPU.
#define APUS_PRODUCT_COLUMNS 16
/// Columns of a strip at most.
#define APUS_STRIP_COLUMNS 48

/// A left factor: element (i, k) is `data[i·row + k·depth]`, and one of the strides is 1; or what `apus_pack_left` has
/// packed.
typedef struct {
  const float *data;
  ptrdiff_t row, depth;
  int is_packed;
} apus_left;

/// What is fetched into the caches while a strip is multiplied.
typedef struct {
  /// How many rows of the right factor ahead of the one in use.
  ptrdiff_t rows;
  /// `depth` rows of what is read next, how far they are apart, and how long they are; or NULL.
  const float *next;
  ptrdiff_t next_row, next_length;
} apus_ahead;

/// `c = a · b`, or `c += a · b` with `add`: `rows` × `depth` times `depth` × `columns`, rows of b
/// and c being `b_row` and `c_row` apart. Columns come in whole registers, `APUS_PRODUCT_COLUMNS` do.
///
/// Each element is the sum over k from the first to the last, whatever rectangle computes it.
void apus_block_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add);

/// How many of `columns` columns are multiplied at a time: a strip.
ptrdiff_t apus_strip_columns(ptrdiff_t columns);

/// `columns` rounded up to whole registers.
ptrdiff_t apus_whole_columns(ptrdiff_t columns);

/// One strip of `apus_block_product`. With `ahead`, memory is fetched before it is needed.
void apus_strip_product(apus_left a, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int add,
                        const apus_ahead *ahead);

/// Copies a left factor whose rows are 1 apart: for the rows of each rectangle, one element of each after the other.
void apus_pack_left(const float *a, ptrdiff_t a_depth, float *packed, ptrdiff_t rows,
                    ptrdiff_t depth);

/// Copies `columns` columns of a right factor, and zeros after them up to whole registers: rows are as long as that.
/// One of the strides is 1; `end` is where the factor's memory ends.
void apus_pack_right(const float *b, ptrdiff_t b_row, ptrdiff_t b_column, const float *end,
                     float *packed, ptrdiff_t columns, ptrdiff_t depth);

#endif
