// Vector kernels of the engine, in C11.
//
// Everything here works on plain memory and knows neither tensors nor graphs. The conventions:
//
// * `dtype` is one of `apus_dtype`; `size` is the size of an element in bytes (1, 2, 4 or 8).
// * Arrays are row major and contiguous unless strides are given. Strides and counts are in
//   elements. No alignment beyond that of the element type is needed. A count of 0 is valid.
// * No kernel allocates, locks, or starts a thread: any number may run at once on disjoint outputs.
// * Elementwise kernels allow an output that is exactly one of the inputs (same address, same
//   element size, stride 1). Any other overlap of an output is undefined.
// * A kernel given a dtype it does not support does nothing; a table lookup returns NULL.
// * Integer arithmetic wraps. A bool is one byte, 0 or 1.
// * On x86-64 each kernel is compiled three times (AVX-512, AVX2 with FMA, baseline), and which one
//   runs is chosen when the program starts, so that no build flag is needed. Float results of
//   two levels can therefore differ in the last bits (fused multiply-add); random bits and random
//   numbers are the same everywhere. At one level every result is reproducible.
#ifndef APUS_CKERNELS_H
#define APUS_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Element types and CPU

/// Codes of the element types: the raw values of `DType` in Swift.
typedef enum {
  APUS_FLOAT32 = 0,
  APUS_FLOAT64 = 1,
  APUS_INT32 = 2,
  APUS_INT64 = 3,
  APUS_UINT8 = 4,
  APUS_BOOL = 5,
} apus_dtype;

/// Bytes of one element of `dtype`; 0 for an unknown code.
int apus_dtype_size(int dtype);

/// The environment variable that names a lower level than the best one that this CPU has. Anything that is no level, or one
/// that the CPU has not, ends the program before it begins: one line on standard error, exit code 1.
#define APUS_CPU_VARIABLE "APUS_CPU"

/// The level whose kernels this process uses: "x86-64-v4" (AVX-512), "x86-64-v3" (AVX2, FMA)
/// or "baseline" (also on every other architecture).
const char *apus_cpu_target(void);

/// The best level that this CPU has.
const char *apus_cpu_best_target(void);

/// The type of CPU: `GenuineIntel`, `AuthenticAMD`, ..., family and model with their extensions; empty and zeros on other
/// architectures than x86-64.
void apus_cpu_identity(char vendor[13], int *family, int *model);

/// CPUs that the calling thread may run on.
int apus_cpu_count(void);

// MARK: Elementwise

/// `y[i] = f(x[i·sx])` for `i < n`. `y` is contiguous; fast for `sx` 0 and 1. `y` may be `x`.
typedef void (*apus_unary_fn)(const void *x, ptrdiff_t sx, void *y, ptrdiff_t n);

/// `y[i] = f(a[i·sa], b[i·sb])` for `i < n`. `y` is contiguous; fast for strides 0 and 1.
/// `y` may be `a` or `b` or both.
typedef void (*apus_binary_fn)(const void *a, ptrdiff_t sa, const void *b, ptrdiff_t sb, void *y,
                               ptrdiff_t n);

/// `y[i] = c[i·sc] ? a[i·sa] : b[i·sb]` for `i < n`; `c` is bool. `y` may be `a` or `b`.
typedef void (*apus_select_fn)(const void *c, ptrdiff_t sc, const void *a, ptrdiff_t sa,
                               const void *b, ptrdiff_t sb, void *y, ptrdiff_t n);

/// Functions of one argument. NaN gives NaN, including `RELU` and `SIGN`.
///
/// Float32: the polynomials of `vector_math.h`, within 2 units in the last place over the whole
/// range (3 for tanh and sigmoid; the absolute error of gelu is about 1e-7·|x|), with infinities, subnormal numbers and
/// overflow as in libm. Float64: libm. `LOGICAL_NOT` is `x == 0`.
/// Result bool: `LOGICAL_NOT`, `ISNAN`, `ISFINITE`; otherwise the type of the argument.
/// Integers have `NEG`, `ABS`, `SIGN`, `SQUARE`, `RELU` and `LOGICAL_NOT`, bool the last only.
typedef enum {
  APUS_NEG,
  APUS_ABS,
  APUS_SIGN,
  APUS_EXP,
  APUS_EXPM1,
  APUS_LOG,
  APUS_LOG1P,
  APUS_SQRT,
  APUS_RSQRT,
  APUS_SQUARE,
  APUS_RECIPROCAL,
  APUS_TANH,
  APUS_SIGMOID,
  APUS_RELU,
  APUS_ERF,
  APUS_SIN,
  APUS_COS,
  APUS_FLOOR,
  APUS_CEIL,
  APUS_ROUND,  // half to even
  APUS_LOGICAL_NOT,
  APUS_ISNAN,
  APUS_ISFINITE,
  APUS_SOFTPLUS,  // log(1 + eˣ)
  APUS_GELU,       // x · Φ(x), Φ the normal distribution function
  APUS_GELU_TANH,  // ½x(1 + tanh(√(2/π)(x + 0.044715x³)))
} apus_unary_op;

/// Functions of two arguments of one type.
///
/// * `DIV` of integers rounds towards negative infinity and `MOD` has the sign of the divisor
///   (Python's `//` and `%`), so `a == b·DIV(a, b) + MOD(a, b)`; by zero both give 0.
/// * `POW` of integers wraps; a negative exponent gives the exact power rounded towards zero.
/// * `MAX` and `MIN` give NaN when either argument is NaN (NumPy's `maximum`, `minimum`).
/// * `EQ` ... `GE` give bool, for every type.
/// * Bool has `ADD`, `MAX`, `OR` (or), `MUL`, `MIN`, `AND` (and), and the comparisons; only bool
///   has `AND` and `OR`.
typedef enum {
  APUS_ADD,
  APUS_SUB,
  APUS_MUL,
  APUS_DIV,
  APUS_POW,
  APUS_MAX,
  APUS_MIN,
  APUS_MOD,
  APUS_EQ,
  APUS_NE,
  APUS_LT,
  APUS_LE,
  APUS_GT,
  APUS_GE,
  APUS_AND,
  APUS_OR,
} apus_binary_op;

/// The kernel of a function of one argument, or NULL where it has no meaning.
apus_unary_fn apus_unary(apus_unary_op op, int dtype);

/// The kernel of a function of two arguments, or NULL where it has no meaning.
apus_binary_fn apus_binary(apus_binary_op op, int dtype);

/// The conversion kernel; a copy when `from == to`, NULL for unknown codes.
///
/// Float to integer truncates, saturates at the ends of the range and maps NaN to 0. Integer to
/// narrower integer wraps. To bool: `x != 0` (NaN is true). Not in place unless sizes are equal.
apus_unary_fn apus_cast(int from, int to);

/// The position of the first of n numbers whose whole part an integer type cannot hold (NaN cannot
/// be held), or −1 when all fit; always −1 for other types.
ptrdiff_t apus_first_outside(int from, const void *x, int to, ptrdiff_t n);

/// 16 bits in which files and messages keep numbers of float32: IEEE 754's, or the upper half of a float32.
typedef enum {
  APUS_HALF_FLOAT16,
  APUS_HALF_BFLOAT16,
} apus_half;

/// `y[i] = x[i]`, n numbers of 16 bits that need no alignment; exact.
void apus_widen_half(apus_half format, const void *x, float *y, ptrdiff_t n);

/// `y[i] += x[i]`, the same.
void apus_add_half(apus_half format, const void *x, float *y, ptrdiff_t n);

/// `y[i] = x[i]` rounded to the nearest, ties to even; NaN stays one. Returns the position of the first finite number that became
/// infinite, or −1.
ptrdiff_t apus_narrow_half(apus_half format, const float *x, void *y, ptrdiff_t n);

/// So many numbers of 8 bits share a scale.
enum { APUS_INT8_BLOCK = 1024 };

/// Bytes of n numbers of 8 bits: blocks of a float32 scale and a byte for each number, which need no alignment.
ptrdiff_t apus_int8_bytes(ptrdiff_t n);

/// `x[i]` as the nearest multiple of its block's scale, which is 1/127 of the block's largest magnitude. A block with a number that is
/// not finite holds no finite number but, perhaps, infinities; one whose magnitudes are all below 1e-30 holds zeros.
void apus_narrow_int8(const float *x, void *y, ptrdiff_t n);

/// `y[i] = x[i]`, or `y[i] += x[i]` with `add`, where x are n numbers of 8 bits.
void apus_widen_int8(const void *x, float *y, ptrdiff_t n, int add);

/// The selection kernel for values of `dtype`; NULL for an unknown code.
apus_select_fn apus_select(int dtype);

// MARK: Loops over many dimensions

enum { APUS_MAX_RANK = 16 };

/// A loop nest over `shape`, outermost dimension first.
///
/// Operand `k` moves by `stride[k][d]` elements along dimension `d` (0: broadcast; negative is
/// allowed). The output is the last operand. Rank 0 is one element; a zero in `shape` is nothing.
typedef struct {
  int rank;
  ptrdiff_t shape[16];
  ptrdiff_t stride[4][16];
} apus_loop;

/// A loop over `shape` with all strides 0. `rank` is at most `APUS_MAX_RANK`.
apus_loop apus_loop_make(int rank, const ptrdiff_t *shape);

/// Sets the strides of operand `k` (0...3), `rank` of them.
void apus_loop_set_strides(apus_loop *loop, int k, const ptrdiff_t *strides);

/// Drops dimensions of size 1 and merges neighbours that all `operands` step through as one.
/// The drivers below do this themselves on each call; doing it once beforehand saves a little.
void apus_loop_collapse(apus_loop *loop, int operands);

/// Runs a unary kernel over a loop: operands x, y with elements of `sizex` and `sizey` bytes.
/// The innermost stride of y must be 1 after collapsing; the other strides are free.
void apus_run_unary(apus_unary_fn fn, const apus_loop *loop, int sizex, const void *x, int sizey,
                    void *y);

/// Runs a binary kernel over a loop: operands a, b, y. Strides of y as in `apus_run_unary`.
void apus_run_binary(apus_binary_fn fn, const apus_loop *loop, int sizea, const void *a, int sizeb,
                     const void *b, int sizey, void *y);

/// Runs a selection over a loop: operands c, a, b, y; `size` is that of a, b and y.
void apus_run_select(apus_select_fn fn, const apus_loop *loop, int size, const void *c,
                     const void *a, const void *b, void *y);

/// Copies x to y: operands x, y, any strides on both sides. A transposition is done in blocks.
void apus_copy_strided(const apus_loop *loop, int size, const void *x, void *y);

/// `y[c, r] = x[r, c]`: x is `[rows, cols]`, y is `[cols, rows]`, in cache blocks.
void apus_transpose2d(int size, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols);

// MARK: Reductions

/// Reductions of `[outer, n, inner]` to `[outer, inner]`.
///
/// * `SUM` and `PROD`: the type of x. Float32 is summed in blocks of 32-bit lanes whose totals are
///   added in 64 bits, in an order that depends on the shape only.
/// * `RMAX` and `RMIN`: NaN wins (NumPy). Of nothing: the identity (∓infinity, or the type's end).
/// * `ARGMAX` and `ARGMIN`: int32; the first of equals wins, and the first NaN wins over numbers.
///   Of nothing: 0.
/// * `ANY` and `ALL`: bool, of `x != 0`.
/// * `NORM`: the square root of the sum of squares, for floats, without overflow on the way.
/// `SUM` and `PROD` are missing for uint8 and bool (cast first).
typedef enum {
  APUS_SUM,
  APUS_PROD,
  APUS_RMAX,
  APUS_RMIN,
  APUS_ARGMAX,
  APUS_ARGMIN,
  APUS_ANY,
  APUS_ALL,
  APUS_NORM,
} apus_reduce_op;

/// Reduces x `[outer, n, inner]` to y `[outer, inner]`, both contiguous and disjoint.
typedef void (*apus_reduce_fn)(const void *x, void *y, ptrdiff_t outer, ptrdiff_t n,
                               ptrdiff_t inner);

/// The kernel of a reduction, or NULL where it has no meaning.
apus_reduce_fn apus_reduce(apus_reduce_op op, int dtype);

/// Running sums along n of x `[outer, n, inner]`; y has the same shape and may be x. `exclusive`
/// leaves the element itself out; `reverse` runs from the end. Float32 adds in 64 bits. Not bool.
void apus_cumsum(int dtype, const void *x, void *y, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner,
                 int exclusive, int reverse);

/// Bytes of scratch memory that sorting `n` elements takes.
ptrdiff_t apus_sort_scratch(ptrdiff_t n);

/// Sorts x `[outer, n, inner]` along n into y, and gives where each element was. Stable; NaN counts as larger than any
/// number. Not bool.
void apus_sort(int dtype, const void *x, void *y, int32_t *indices, ptrdiff_t outer, ptrdiff_t n,
               ptrdiff_t inner, int descending, void *scratch);

/// A part of a norm of n floats: the norm is `part[0] · √part[1]`, and neither overflows.
void apus_norm_part(int dtype, const void *x, ptrdiff_t n, double *part);

/// `y[c] = Σ_r x[r, c]` for x `[rows, cols]`, y `[cols]` (the gradient of a bias). Floats, ints.
void apus_column_sums(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols);

/// `y[r, c] += bias[c]` for y `[rows, cols]`, bias `[cols]`. Floats.
void apus_bias_rows(int dtype, const void *bias, void *y, ptrdiff_t rows, ptrdiff_t cols);

/// `y += x`, n elements; every type except bool. x and y are disjoint or equal.
void apus_accumulate(int dtype, const void *x, void *y, ptrdiff_t n);

/// Whether no element is infinite or NaN; integers are always finite.
int apus_all_finite(int dtype, const void *x, ptrdiff_t n);

/// `y = y op x`, n elements, op 0 sum, 1 min, 2 max (NaN wins, and -0 is smaller than 0); every type except bool.
void apus_combine(int op, int dtype, const void *x, void *y, ptrdiff_t n);

/// Combines elements `start` to `start + n` of the arrays of `ranks` ranks in the order of ranks, and writes the results to
/// all of them. op as in `apus_combine`; every type except bool. The arrays are disjoint.
void apus_combine_ranks(int op, int dtype, void *const *arrays, int ranks, ptrdiff_t start,
                        ptrdiff_t n);

// MARK: Rows: softmax and layer normalisation (float32, float64)

/// `y[r, :] = exp(x[r, :] − max) / Σ exp(x[r, :] − max)`; all `[rows, cols]`. y may be x.
void apus_softmax(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols);

/// `y[r, :] = x[r, :] − max − log Σ exp(x[r, :] − max)`; all `[rows, cols]`. y may be x.
void apus_log_softmax(int dtype, const void *x, void *y, ptrdiff_t rows, ptrdiff_t cols);

/// From the softmax y and its gradient g: `dx = y · (g − Σ_c g·y)`. dx may be g or y.
void apus_softmax_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t rows,
                       ptrdiff_t cols);

/// From the log-softmax y and its gradient g: `dx = g − exp(y) · Σ_c g`. dx may be g or y.
void apus_log_softmax_grad(int dtype, const void *y, const void *g, void *dx, ptrdiff_t rows,
                           ptrdiff_t cols);

/// `y = (x − mean) · rstd` with `rstd = 1/√(variance + eps)`, row by row, no scale or offset (Ba,
/// Kiros, Hinton 2016, eq. 3). The variance is that of the population, found in a second pass.
/// x, y `[rows, cols]`, y may be x; mean, rstd `[rows]` of the same type, either may be NULL.
void apus_layer_norm(int dtype, const void *x, void *y, void *mean, void *rstd, ptrdiff_t rows,
                     ptrdiff_t cols, double eps);

/// `dx = rstd · (g − mean_c(g) − y · mean_c(g·y))` with y and rstd as `apus_layer_norm` left them.
/// dx may be g or y.
void apus_layer_norm_grad(int dtype, const void *y, const void *rstd, const void *g, void *dx,
                          ptrdiff_t rows, ptrdiff_t cols);

/// `y = (x − mean) · rstd · gamma + beta`, gamma and beta `[cols]`; mean and rstd are written. y may be x.
void apus_scaled_layer_norm(int dtype, const void *x, const void *gamma, const void *beta, void *y,
                            void *mean, void *rstd, ptrdiff_t rows, ptrdiff_t cols, double eps);

/// The gradients of `apus_scaled_layer_norm` from x, mean, rstd, gamma and g: dx is written, the sums over these rows
/// are **added** to dgamma and dbeta `[cols]`. dx may be g or x.
void apus_scaled_layer_norm_grad(int dtype, const void *x, const void *mean, const void *rstd,
                                 const void *gamma, const void *g, void *dx, void *dgamma,
                                 void *dbeta, ptrdiff_t rows, ptrdiff_t cols);

/// `y[r] = −log softmax(x[r, :])[labels[r]]`, x `[rows, cols]`; norms `[rows, 2]` is what the gradient needs. Labels
/// are not checked.
void apus_cross_entropy(int dtype, const void *x, const int32_t *labels, void *y, void *norms,
                        ptrdiff_t rows, ptrdiff_t cols);

/// `dx[r, c] = g[r] · (softmax(x[r, :])[c] − (c == labels[r]))`. dx may be x.
void apus_cross_entropy_grad(int dtype, const void *x, const int32_t *labels, const void *norms,
                             const void *g, void *dx, ptrdiff_t rows, ptrdiff_t cols);

/// The bytes of scratch memory that `apus_ctc` needs, or `apus_ctc_grad`.
ptrdiff_t apus_ctc_scratch(ptrdiff_t time, ptrdiff_t longest, int gradient);

/// `loss[i] = −log Σ exp Σ_t x[i, t, said at t]` over all alignments of the first `lengths[i]` of `labels[i, :]`
/// `[longest]` to the first `steps[i]` of x `[count, time, classes]`. Labels and lengths are not checked. Where there are
/// too few steps, a step that is not allowed counts as -1e5, as in Keras.
void apus_ctc(int dtype, const void *x, const int32_t *labels, const int32_t *lengths,
              const int32_t *steps, void *loss, ptrdiff_t count, ptrdiff_t time, ptrdiff_t classes,
              ptrdiff_t longest, ptrdiff_t blank, void *scratch);

/// `dx[i, t, k] = −g[i] · P(k is said at t)`, 0 from `steps[i]` on.
void apus_ctc_grad(int dtype, const void *x, const int32_t *labels, const int32_t *lengths,
                   const int32_t *steps, const void *g, void *dx, ptrdiff_t count, ptrdiff_t time,
                   ptrdiff_t classes, ptrdiff_t longest, ptrdiff_t blank, void *scratch);

// MARK: Attention (float32, float64)

/// Distances between neighbours of a tensor `[batch, time, heads, size]`, in elements.
typedef struct {
  ptrdiff_t batch, time, head, element;
} apus_attention_strides;

/// Attention of `queries` on `keys` in each of `batch · heads` heads of `size` numbers.
///
/// All strides are free, except that y is written with `y` and read with it by the gradient. The strides of a mask
/// `[batch, queries, heads, keys]` are 0 where it is repeated; it is bool (true: visible) or of `dtype` (added to
/// the scores). With `is_causal` query i sees keys 0...i only. With `rounds`, which float32 only knows, the factors of all
/// products are rounded to bfloat16: of the weights, the sum that divides them is not.
typedef struct {
  int dtype, is_causal, mask_is_bool, rounds;
  double scale;
  ptrdiff_t batch, heads, queries, keys, size;
  apus_attention_strides q, k, v, mask, y, g, dq, dk, dv;
} apus_attention;

/// Bytes of scratch memory that one call below needs.
size_t apus_attention_scratch(const apus_attention *p, int is_gradient);

/// How many pieces of work there are, which any calls may share: heads, and for the forward pass tiles of queries.
ptrdiff_t apus_attention_items(const apus_attention *p, int is_gradient);

/// `y = softmax(scale · q kᵀ + mask) · v` and the logarithm of each row's sum of exponentials, `[batch, heads,
/// queries]`, for items `first ..< last`. A query that sees no key gives 0 and −infinity. mask may be NULL.
void apus_attention_run(const apus_attention *p, const void *q, const void *k, const void *v,
                        const void *mask, void *y, void *log_sums, ptrdiff_t first,
                        ptrdiff_t last, void *scratch);

/// The gradients for q, k and v from y, `log_sums` and the gradient g for y.
void apus_attention_grad_run(const apus_attention *p, const void *q, const void *k, const void *v,
                             const void *mask, const void *y, const void *log_sums, const void *g,
                             void *dq, void *dk, void *dv, ptrdiff_t first, ptrdiff_t last,
                             void *scratch);

// MARK: Recurrent layers

/// Kinds of cells.
typedef enum { APUS_RECURRENCE_SIMPLE, APUS_RECURRENCE_GRU, APUS_RECURRENCE_LSTM } apus_recurrence_cell;

/// Activations of cells.
typedef enum {
  APUS_ACTIVATION_LINEAR,
  APUS_ACTIVATION_TANH,
  APUS_ACTIVATION_SIGMOID,
  APUS_ACTIVATION_RELU,
  APUS_ACTIVATION_HARD_SIGMOID,
} apus_activation;

/// Sequences of a recurrent layer of `units`, with 1 (simple), 3 (z, r, h) or 4 (i, f, c, o) gates. Floats.
///
/// Read: `sums` `[batch, time, gates · units]`, what the inputs contribute, `weights` `[units, gates · units]`, `h0` and, of an LSTM,
/// `c0` `[batch, units]`, of gated recurrent units `bias` `[units]` of the candidate's product; if not NULL, `mask`
/// `[batch, time]` (0: the step is skipped) and `drop` `[batch, units]`, factors of the states before they are multiplied by the weights.
///
/// Written: `outputs` `[batch, time, units]`, the states; `last` and, of an LSTM, `last_memory` `[batch, units]`, those after the last step;
/// `gates` like `sums`, which it may be; `memory` `[batch, time, units]`, an LSTM's memories, or the candidate's products.
///
/// The gradient reads these, except `sums`, `last` and `last_memory`, and the gradients `g` of `outputs`, `g_last` and `g_last_memory`, each NULL for
/// zeros. It writes those of the sums (which may be `gates`), of `h0` and, of an LSTM, `c0`, and for gated recurrent units `memory_gradient`, that of
/// `memory`, which it may be.
typedef struct {
  int dtype, cell, activation, gate, reversed;
  ptrdiff_t batch, time, units;
  const void *sums, *weights, *h0, *c0, *bias, *drop;
  const uint8_t *mask;
  void *outputs, *last, *gates, *memory, *last_memory;
  const void *g, *g_last, *g_last_memory;
  void *sums_gradient, *h0_gradient, *c0_gradient, *memory_gradient;
} apus_recurrence;

/// Bytes of scratch memory that one call below needs.
size_t apus_recurrence_scratch(const apus_recurrence *p);

/// Sequences `first ..< last` from the first step to the last (`reversed`: from the last to the first).
void apus_recurrence_run(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch);

/// The gradients of sequences `first ..< last`.
void apus_recurrence_grad_run(const apus_recurrence *p, ptrdiff_t first, ptrdiff_t last, void *scratch);

// MARK: Gradients of activations in one sweep (float32, float64)

/// Functions of two arguments: u, the activation's output (of gelu its input), and v, the incoming gradient.
///
/// * `RELU_GRAD`: `u > 0 ? v : 0`, u the output or the input. `TANH_GRAD`: `v · (1 − u²)`. `SIGMOID_GRAD`: `v · u · (1 − u)`.
/// * `GELU_GRAD`, `GELU_TANH_GRAD`: `v · dgelu/du`.
typedef enum {
  APUS_RELU_GRAD,
  APUS_TANH_GRAD,
  APUS_SIGMOID_GRAD,
  APUS_GELU_GRAD,
  APUS_GELU_TANH_GRAD,
} apus_gradient_op;

/// The kernel of a gradient, for arguments of any stride, or NULL where it has no meaning.
apus_binary_fn apus_gradient(apus_gradient_op op, int dtype);

// MARK: Indexing

// Indices are int32, int64 or uint8 (`idx_dtype`); a negative index counts from the end. All are
// checked before anything is written: a function returns −1, or the position in `idx` of the first
// index outside [−n, n), and has then left y alone.

/// Copies n whole numbers of any type but bool to y, which is int32 or int64 (`to`).
///
/// Returns −1, or the position of the first that is not a whole number in [first, last] and stops there.
/// The range must fit `to`.
ptrdiff_t apus_whole_numbers(int from, const void *x, int to, void *y, ptrdiff_t n, int64_t first,
                             int64_t last);

/// `y[o, j, :] = x[o, idx[j], :]`: x `[outer, n, inner]`, idx `[k]`, y `[outer, k, inner]`.
ptrdiff_t apus_take(int size, const void *x, const void *idx, int idx_dtype, void *y,
                    ptrdiff_t outer, ptrdiff_t n, ptrdiff_t k, ptrdiff_t inner);

/// The transpose of `apus_take` for elements `i0 ..< i1` of each row: y `[outer, n, inner]` is zeroed, then
/// `y[o, idx[j], i] += g[o, j, i]` in order of j. Every type except bool.
ptrdiff_t apus_scatter_add(int dtype, const void *g, const void *idx, int idx_dtype, void *y,
                           ptrdiff_t outer, ptrdiff_t n, ptrdiff_t k, ptrdiff_t inner, ptrdiff_t i0,
                           ptrdiff_t i1);

/// One index per place: `y[o, i] = x[o, idx[o, i], i]`: x `[outer, n, inner]`, idx and y
/// `[outer, inner]`.
ptrdiff_t apus_take_along(int size, const void *x, const void *idx, int idx_dtype, void *y,
                          ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner);

/// The transpose of `apus_take_along`: y `[outer, n, inner]` is zeroed, then
/// `y[o, idx[o, i], i] = g[o, i]`.
ptrdiff_t apus_scatter_along(int dtype, const void *g, const void *idx, int idx_dtype, void *y,
                             ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner);

/// `dst[j] = src[rows[j]]` for rows of `row_bytes` bytes. Row numbers are not checked.
void apus_gather_rows(void *dst, const void *src, size_t row_bytes, const int64_t *rows,
                      ptrdiff_t n);

// MARK: Windows over images

/// A window sliding over an image `[d, h, w, cs]`: kernel `kd × kh × kw`, steps `sd, sh, sw`, dilations
/// `dd, dh, dw`, padding `pf` slices in front, `pt` rows above and `pl` columns at the left, output
/// `od × oh × ow`. Output pixel `(oz, oy, ox)` and tap `(kz, ky, kx)` read input
/// `(oz·sd − pf + kz·dd, oy·sh − pt + ky·dh, ox·sw − pl + kx·dw)`. It reads `c` of the `cs` channels: all, or one
/// group of them, from the first that a pointer to the image points to. Images with fewer axes have one slice, or
/// one row in one slice.
typedef struct {
  int d, h, w, c, cs, kd, kh, kw, sd, sh, sw, dd, dh, dw, pf, pt, pl, od, oh, ow;
} apus_conv;

/// Unrolls the windows of output pixels `p0 ..< p1` (row-major over `od·oh·ow`) of one image: col is
/// `[p1 − p0, kd, kh, kw, c]`, zero where a tap falls on padding.
void apus_im2col(int size, const apus_conv *cv, const void *image, void *col, int p0, int p1);

/// The transpose of `apus_im2col`: adds col to the image, which the caller zeroed. Floats.
void apus_col2im_add(int dtype, const apus_conv *cv, const void *col, void *image, int p0, int p1);

/// Convolves each channel of images x `[n, d, h, w, c]` with a kernel of its own: k is `[kd, kh, kw, c]`, y
/// `[n, od, oh, ow, c]`. Output pixels `p0 ..< p1` are done, counted over all images. Floats.
void apus_depthwise(int dtype, const apus_conv *cv, const void *x, const void *k, void *y,
                    ptrdiff_t p0, ptrdiff_t p1);

/// The gradient of images `n0 ..< n1` from that of the output of `apus_depthwise`, g. Floats.
void apus_depthwise_input_grad(int dtype, const apus_conv *cv, const void *g, const void *k,
                               void *dx, ptrdiff_t n0, ptrdiff_t n1);

/// The gradient of the kernels of channels `c0 ..< c1` from n images and that of the output. The same, bit for bit,
/// however channels are cut at multiples of 16. Floats.
void apus_depthwise_kernel_grad(int dtype, const apus_conv *cv, const void *x, const void *g,
                                ptrdiff_t n, void *dk, ptrdiff_t c0, ptrdiff_t c1);

/// Adds bias `[columns]` to each row of y; what is then below 0 becomes 0 if `relu`. Floats.
void apus_add_bias(int dtype, void *y, const void *bias, int relu, ptrdiff_t rows,
                   ptrdiff_t columns);

/// Most cells of a window, over all channels, that the direct convolution takes.
#define APUS_DIRECT_DEPTH 64

/// Elements of scratch memory that one call of the two functions below needs.
ptrdiff_t apus_direct_scratch_size(const apus_conv *cv);

/// The convolution of flat images `n0 ..< n1` of few channels with kernel k `[kh, kw, c, filters]`, plus
/// bias `[filters]` unless it is NULL, rectified if `relu`. `filters` is a multiple of 16; float32.
void apus_direct(const apus_conv *cv, ptrdiff_t filters, const float *x, const float *k,
                 const float *bias, int relu, float *y, ptrdiff_t n0, ptrdiff_t n1,
                 float *scratch);

/// The gradient of filters `f0 ..< f1` of the kernel (multiples of 16), from images `n0 ..< n1` and the
/// gradient of the output `[n, oh, ow, filters]`. The same, bit for bit, however filters are cut.
void apus_direct_kernel_grad(const apus_conv *cv, ptrdiff_t filters, const float *x,
                             const float *g, ptrdiff_t n0, ptrdiff_t n1, float *dk, ptrdiff_t f0,
                             ptrdiff_t f1, float *scratch);

/// The tiles of one flat image of a convolution by Winograd's method: a 3 × 3 kernel, steps and
/// dilations 1, float32. A tile has 4 × 4 pixels of the output; those at the edges reach over them.
ptrdiff_t apus_winograd_tiles(const apus_conv *cv);

/// Elements of a transformed kernel.
ptrdiff_t apus_winograd_kernel_size(ptrdiff_t channels, ptrdiff_t filters);

/// Elements of scratch memory that one call of the functions below needs.
ptrdiff_t apus_winograd_scratch_size(ptrdiff_t channels, ptrdiff_t filters);

/// Transforms a kernel `[3, 3, channels, filters]`: for the convolution, or `transposed` for the
/// images' gradient. Rows `r0 ..< r1` are done, of as many as channels (`transposed`: filters).
void apus_winograd_kernel(const float *k, ptrdiff_t channels, ptrdiff_t filters, int transposed,
                          float *u, ptrdiff_t r0, ptrdiff_t r1);

/// The convolution of images x `[n, h, w, c]` with transformed kernel u, plus bias `[filters]`
/// unless it is NULL, rectified if `relu`: tiles `t0 ..< t1`, counted over all images.
void apus_winograd(const apus_conv *cv, ptrdiff_t filters, const float *x, const float *u,
                   const float *bias, int relu, float *y, ptrdiff_t t0, ptrdiff_t t1,
                   float *scratch);

/// The gradient of images `n0 ..< n1` from that of the output `[n, oh, ow, filters]`.
void apus_winograd_input_grad(const apus_conv *cv, ptrdiff_t filters, const float *g,
                              const float *u, float *dx, ptrdiff_t n0, ptrdiff_t n1,
                              float *scratch);

/// The gradient of filters `f0 ..< f1` of the kernel from tiles `t0 ..< t1` (one at least) of images x and the output's
/// gradient; `f0` is a multiple of 16. The same, bit for bit, however filters are cut.
void apus_winograd_kernel_grad(const apus_conv *cv, ptrdiff_t filters, const float *x,
                               const float *g, ptrdiff_t t0, ptrdiff_t t1, float *dk, ptrdiff_t f0,
                               ptrdiff_t f1, float *scratch);

/// Maxima over windows: x `[n, d, h, w, c]`, y and arg `[n, od, oh, ow, c]`. `arg` is the offset of the
/// winner within its image (the first of equals; the first NaN wins). Padding never wins; a window
/// of padding alone gives the lowest value and arg −1. Every type except bool. arg may be NULL.
void apus_maxpool(int dtype, const apus_conv *cv, const void *x, void *y, int32_t *arg,
                  ptrdiff_t n);

/// Gradient of `apus_maxpool`: dx is zeroed, then `dx[image, arg] += g`. Floats.
void apus_pool_scatter(int dtype, const apus_conv *cv, const void *g, const int32_t *arg, void *dx,
                       ptrdiff_t n);

/// The transpose of `apus_pool_scatter`: `g = dx[image, arg]`, 0 where arg is −1. Floats.
void apus_pool_gather(int dtype, const apus_conv *cv, const void *dx, const int32_t *arg, void *g,
                      ptrdiff_t n);

/// Means over windows: x `[n, d, h, w, c]`, y `[n, od, oh, ow, c]`. Padding is not counted; a window of
/// padding alone gives 0. Floats.
void apus_avgpool(int dtype, const apus_conv *cv, const void *x, void *y, ptrdiff_t n);

/// Gradient of `apus_avgpool`: dx is zeroed, then each g is spread over its window. Floats.
void apus_avgpool_grad(int dtype, const apus_conv *cv, const void *g, void *dx, ptrdiff_t n);

// MARK: Optimizers: one sweep over n parameters (float32, float64), formulas of Keras

/// `p −= lr·g`.
void apus_sgd(int dtype, void *p, const void *g, double lr, ptrdiff_t n);

/// `v = momentum·v − lr·g`, then `p += v`, or with `nesterov` `p += momentum·v − lr·g`.
void apus_momentum(int dtype, void *p, const void *g, void *v, double lr, double momentum,
                   int nesterov, ptrdiff_t n);

/// Adam (Kingma, Ba 2015, in the form of the end of section 2).
///
/// `m += (g − m)(1 − beta1)`; `v += (g² − v)(1 − beta2)`; `p −= lr·√bias2/bias1 · m / (√v + eps)`, where
/// `bias1 = 1 − beta1ᵗ`, `bias2 = 1 − beta2ᵗ`. With `vmax` not NULL (AMSGrad) `vmax = max(vmax, v)` takes
/// the place of v under the root.
void apus_adam(int dtype, void *p, const void *g, void *m, void *v, void *vmax, double lr,
               double beta1, double beta2, double eps, double bias1, double bias2,
               ptrdiff_t n);

/// m and v as Adam's; `p −= (rate_m·m + rate_g·g) / (√(v/bias2) + eps)`.
void apus_nadam(int dtype, void *p, const void *g, void *m, void *v, double rate_m,
                double rate_g, double beta1, double beta2, double eps, double bias2,
                ptrdiff_t n);

/// m as Adam's; `u = max(beta2·u, |g|)`; `p −= rate · m / (u + eps)`.
void apus_adamax(int dtype, void *p, const void *g, void *m, void *u, double rate, double beta1,
                 double beta2, double eps, ptrdiff_t n);

/// `v = rho·v + (1 − rho)g²`; `s = lr·g / √(v + eps)`, where with `a` not NULL (centered)
/// `a = rho·a + (1 − rho)g` and v − a² takes the place of v; `p −= s`, or with `m` not NULL
/// `m = momentum·m + s` and `p −= m`.
void apus_rmsprop(int dtype, void *p, const void *g, void *v, void *m, void *a, double lr,
                  double rho, double momentum, double eps, ptrdiff_t n);

/// `sum += g²`; `p −= lr·g / √(sum + eps)`.
void apus_adagrad(int dtype, void *p, const void *g, void *sum, double lr, double eps,
                  ptrdiff_t n);

/// `v = rho·v + (1 − rho)g²`; `s = √(d + eps)·g / √(v + eps)`; `d = rho·d + (1 − rho)s²`; `p −= lr·s`.
void apus_adadelta(int dtype, void *p, const void *g, void *v, void *d, double lr, double rho,
                   double eps, ptrdiff_t n);

/// `p −= lr·sign(beta1·m + (1 − beta1)g)`; `m = beta2·m + (1 − beta2)g`.
void apus_lion(int dtype, void *p, const void *g, void *m, double lr, double beta1,
               double beta2, ptrdiff_t n);

/// FTRL-Proximal (McMahan et al. 2013) with `sumᵖᵒʷᵉʳ/lr` in the place of 1/η.
///
/// `s = sum + g²`; `linear += g + 2·shrinkage·p − (sᵖᵒʷᵉʳ − sumᵖᵒʷᵉʳ)/lr · p`; `sum = s`;
/// `p = (clip(linear, −l1, l1) − linear) / (sᵖᵒʷᵉʳ/lr + 2·l2)`.
void apus_ftrl(int dtype, void *p, const void *g, void *sum, void *linear, double lr,
               double power, double l1, double l2, double shrinkage, ptrdiff_t n);

/// Schedule-free AdamW (Defazio et al. 2024): p is y, from which x is computed.
///
/// v as Adam's; `x = (p − (1 − beta1)z) / beta1`; `z −= lr·g / (√(v/bias2) + eps)`;
/// `x += weight·(z − x)`; `p = (1 − beta1)z + beta1·x`.
void apus_schedule_free(int dtype, void *p, const void *g, void *z, void *v, double lr,
                        double beta1, double beta2, double eps, double bias2, double weight,
                        ptrdiff_t n);

/// A moving average: `a = momentum·a + (1 − momentum)p`.
void apus_average(int dtype, void *a, const void *p, double momentum, ptrdiff_t n);

// MARK: Random numbers

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): `seed` is the key, `stream` and the position are
// the counter. Value i depends on (seed, stream, i) only, so any split into pieces gives the same
// numbers: `..._from` gives the n values that start at `first`.

/// 32 random bits each.
void apus_random_bits(uint64_t seed, uint64_t stream, uint32_t *y, ptrdiff_t n);
void apus_random_bits_from(uint64_t seed, uint64_t stream, uint64_t first, uint32_t *y,
                           ptrdiff_t n);

/// Uniform on [0, 1), multiples of 2⁻²⁴ (float32) or 2⁻⁵³ (float64).
void apus_random_uniform(int dtype, uint64_t seed, uint64_t stream, void *y, ptrdiff_t n);
void apus_random_uniform_from(int dtype, uint64_t seed, uint64_t stream, uint64_t first, void *y,
                              ptrdiff_t n);

/// `y[i] = u < rate ? 0 : x[i]·scale` with u the uniform number at `first + i`: dropout without a mask in memory. y may
/// be x. Floats.
void apus_dropout(int dtype, uint64_t seed, uint64_t stream, uint64_t first, double rate,
                  double scale, const void *x, void *y, ptrdiff_t n);

/// Normal with mean 0 and deviation 1, by the transform of Box and Muller (1958). Float32 values
/// are the same on every CPU; float64 values depend on the logarithm, sine and cosine of libm.
void apus_random_normal(int dtype, uint64_t seed, uint64_t stream, void *y, ptrdiff_t n);
void apus_random_normal_from(int dtype, uint64_t seed, uint64_t stream, uint64_t first, void *y,
                             ptrdiff_t n);

// MARK: Products of float32

/// Whether products of float32 are left to `apus_gemm` on this CPU, and none to a BLAS: on every x86-64.
int apus_gemm_is_fast(void);

/// How a product is cut and what is copied. Only `depth` decides about the order of sums.
typedef struct {
  /// Columns of the rectangles in registers, in registers: 2 or 3.
  ptrdiff_t vectors;
  /// Rows of the right factor that are read at a time.
  ptrdiff_t depth;
  /// Rows of the left factor that are read at a time.
  ptrdiff_t rows;
  /// The same where the right factor is copied and the left one is not.
  ptrdiff_t copied_rows;
  /// Columns of a right factor that are copied at a time.
  ptrdiff_t columns;
  /// How many rows of the right factor are fetched ahead; with 0 nothing is fetched.
  ptrdiff_t ahead;
  /// Whether a transposed left factor is copied.
  int packs_left;
  /// Whether a right factor whose rows lie pages apart is copied.
  int packs_spread;
  /// Whether the left factor may be transposed instead of the right one.
  int flips;
} apus_gemm_sizes;

/// The environment variable that names the sizes: `fetching` or `copying`.
#define APUS_PRODUCTS_VARIABLE "APUS_PRODUCTS"

/// The sizes in use: the table's for this CPU, or those that the variable names.
void apus_gemm_get_sizes(apus_gemm_sizes *sizes);

/// Uses other sizes, to find the best ones: before any product is prepared, and while none runs.
void apus_gemm_set_sizes(const apus_gemm_sizes *sizes);

/// Bytes of scratch memory for `apus_gemm` with at most `m` rows and `n` columns.
size_t apus_gemm_bytes(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, ptrdiff_t column_a, ptrdiff_t row_b,
                       ptrdiff_t column_b);

/// `c = a · b`, or `c += a · b` with `add`: a `[m, k]` and b `[k, n]` with strides of which one each is 1, c row-major with
/// `leading` elements between rows; k is 1 at least.
void apus_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t row_a,
               ptrdiff_t column_a, const float *b, ptrdiff_t row_b, ptrdiff_t column_b, float *c,
               ptrdiff_t leading, int add, void *scratch);

// MARK: Products without BLAS

/// `c = a · b`, or `c += a · b` with `add`, of floating types: a `[m, k]` and b `[k, n]` with any strides, c row-major with
/// `leading` elements between rows, k at least 1.
void apus_plain_product(int dtype, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *a,
                        ptrdiff_t row_a, ptrdiff_t column_a, const void *b, ptrdiff_t row_b,
                        ptrdiff_t column_b, void *c, ptrdiff_t leading, int add);

// MARK: Products in bfloat16

/// Whether this CPU multiplies pairs of bfloat16 with one instruction (AVX512-BF16).
int apus_bf16_has_instructions(void);

/// Bytes of scratch memory that `apus_bf16_gemm` needs.
size_t apus_bf16_gemm_bytes(int pairs);

/// `c = a · b`, or `c += a · b` with `add`: a `[m, k]` and b `[k, n]` of any strides, rounded to bfloat16, and sums in
/// float32; c is row-major with `leading` elements between rows.
///
/// With `pairs`, by the instruction that multiplies pairs, which this CPU must have; else by multiply-adds of float32,
/// which give the same up to the order of sums.
void apus_bf16_gemm(int pairs, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a,
                    ptrdiff_t row_a, ptrdiff_t column_a, const float *b, ptrdiff_t row_b,
                    ptrdiff_t column_b, float *c, ptrdiff_t leading, int add, void *scratch);

// MARK: Limits of a core, for benchmarks

/// Runs `count` times twelve independent vector fused multiply-adds (multiplications and additions where the CPU has no
/// fused ones) on registers, and gives the number of floating-point operations. `*result` is read and written, so that
/// nothing can be left out.
double apus_fma_loop(ptrdiff_t count, float *result);

/// Reads n floats (a multiple of 64) and does next to nothing with them. `*result` gets some of their sum.
void apus_read_loop(const float *x, ptrdiff_t n, float *result);

// MARK: Threads

/// An empty file in memory that has no name and goes with the last process that has it open or mapped; negative where the system has none.
int32_t apus_shared_file(void);

/// Gives the memory of `count` bytes of such a file back to the system, whole pages; they are zeros from then on.
void apus_release_pages(int32_t file, int64_t start, int64_t count);

/// Between two looks at what another process changes: a moment at first, then the CPU is left to others. `round` counts the looks.
void apus_give_way(int round);

/// Threads that wait for work, spinning for a while and then asleep.
typedef struct apus_pool apus_pool;

/// Work on one part.
typedef void (*apus_task)(void *context, ptrdiff_t part);

/// Starts `workers` threads (fewer if the system refuses). With `tied`, on Linux, each is tied to a CPU of its own when
/// the calling thread may use exactly one CPU for each of them and one for itself.
apus_pool *apus_pool_create(int workers, int tied);

/// Ends the threads, after what `apus_pool_start` started; nothing else may be running.
void apus_pool_destroy(apus_pool *pool);

/// How many threads there are beside the caller.
int apus_pool_workers(const apus_pool *pool);

/// Does parts 0 ..< `parts`, part 0 on the calling thread and part i on worker i − 1, and waits for all. What a worker has
/// not begun when the caller is done with its own part, the caller does as well; and everything when another thread is
/// using the pool or there are too few workers.
void apus_pool_run(apus_pool *pool, apus_task task, void *context, ptrdiff_t parts);

/// Starts part 1 on the first worker without waiting. While the pool is in use (a run goes on, or an earlier start has not
/// been waited for) the caller does the part, before this returns.
void apus_pool_start(apus_pool *pool, apus_task task, void *context);

/// Waits for what `apus_pool_start` started, and does it if nobody has begun; returns at once when there is nothing.
void apus_pool_wait(apus_pool *pool);

// MARK: Processes

/// Asks the system to send `signal` to this process when the thread that started it has gone; 0 for none. Only Linux can.
int32_t apus_set_death_signal(int32_t signal);

/// Starts the program `path`, looked for in PATH when it has no slash, with `arguments`, which NULL ends. `streams` are the three
/// descriptors that become its standard ones; a negative one stays as it is. With `own_group` it leads a process group of its own. It gets
/// `death_signal`, if not 0, when the calling thread has gone. Its number, or minus the code of the error.
int32_t apus_start_child(
    const char *path, char *const *arguments, const int32_t *streams, int32_t own_group,
    int32_t death_signal);

#ifdef __cplusplus
}
#endif

#endif
