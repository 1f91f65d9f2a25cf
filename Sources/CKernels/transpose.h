// The transposition that copies with strides share.
#ifndef APUS_TRANSPOSE_H
#define APUS_TRANSPOSE_H

#include <stddef.h>

/// `y[c·ldy + r] = x[r·ldx + c]` for `r < rows`, `c < cols`; elements of `size` bytes (1, 2, 4, 8).
void apus_transpose_strided(int size, const void *x, ptrdiff_t ldx, void *y, ptrdiff_t ldy,
                            ptrdiff_t rows, ptrdiff_t cols);

#endif
