// Functions of one, two and three arguments.
#include <stdio.h>

#include "driver.h"

// MARK: One argument

static double relu(double x) { return x > 0 || x != x ? x : 0; }
static double sign(double x) { return x != x ? x : (x > 0) - (x < 0); }
static double negative(double x) { return -x; }
static double square(double x) { return x * x; }
static double inverse_root(double x) { return 1 / sqrt(x); }
static double reciprocal(double x) { return 1 / x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double gelu(double x) { return x * 0.5 * erfc(-x * M_SQRT1_2); }
static double gelu_tanh(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
static double is_zero(double x) { return x == 0; }
static double is_nan(double x) { return x != x; }
static double is_finite(double x) { return isfinite(x); }

typedef struct {
  apus_unary_op op;
  const char *name;
  double (*f)(double);
  double low, high, far;  // far: the error that is allowed in float32 where the result is near 0
  int whole, takes_all;   // has integers; infinities, zeros and subnormal numbers are tried as well
} unary_case;

static const unary_case unary_cases[] = {
    {APUS_NEG, "neg", negative, -9, 9, 0, 1, 1},
    {APUS_ABS, "abs", fabs, -9, 9, 0, 1, 1},
    {APUS_SIGN, "sign", sign, -9, 9, 0, 1, 1},
    {APUS_EXP, "exp", exp, -100, 100, 0, 0, 1},
    {APUS_EXPM1, "expm1", expm1, -20, 20, 0, 0, 1},
    {APUS_LOG, "log", log, 0, 100, 0, 0, 1},
    {APUS_LOG1P, "log1p", log1p, -1, 9, 0, 0, 1},
    {APUS_SQRT, "sqrt", sqrt, 0, 100, 0, 0, 1},
    {APUS_RSQRT, "rsqrt", inverse_root, 0, 100, 0, 0, 1},
    {APUS_SQUARE, "square", square, -9, 9, 0, 1, 1},
    {APUS_RECIPROCAL, "reciprocal", reciprocal, -9, 9, 0, 0, 1},
    {APUS_TANH, "tanh", tanh, -10, 10, 0, 0, 1},
    {APUS_SIGMOID, "sigmoid", sigmoid, -90, 90, 0, 0, 1},
    {APUS_RELU, "relu", relu, -9, 9, 0, 1, 1},
    {APUS_ERF, "erf", erf, -4, 4, 0, 0, 1},
    {APUS_SIN, "sin", sin, -50, 50, 1e-7, 0, 0},
    {APUS_COS, "cos", cos, -50, 50, 1e-7, 0, 0},
    {APUS_FLOOR, "floor", floor, -9, 9, 0, 0, 1},
    {APUS_CEIL, "ceil", ceil, -9, 9, 0, 0, 1},
    {APUS_ROUND, "round", rint, -9, 9, 0, 0, 1},
    {APUS_LOGICAL_NOT, "logical not", is_zero, -2, 2, 0, 1, 1},
    {APUS_ISNAN, "isnan", is_nan, -9, 9, 0, 0, 1},
    {APUS_ISFINITE, "isfinite", is_finite, -9, 9, 0, 0, 1},
    {APUS_SOFTPLUS, "softplus", softplus, -80, 80, 0, 0, 1},
    {APUS_GELU, "gelu", gelu, -6, 6, 6e-7, 0, 0},
    {APUS_GELU_TANH, "gelu tanh", gelu_tanh, -6, 6, 6e-7, 0, 0},
};

static const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, 0.5, 1.5, -2.5, 1, -1, 1e-40, -1e-40, 1e-30, 3e38, -3e38};
enum { special_count = sizeof special / sizeof *special };

static int is_bool(apus_unary_op op) { return op == APUS_LOGICAL_NOT || op == APUS_ISNAN || op == APUS_ISFINITE; }

static void unary_of(const unary_case *c, int dtype) {
  const apus_unary_fn f = apus_unary(c->op, dtype);
  const int has = dtype <= APUS_FLOAT64 || (dtype == APUS_BOOL ? c->op == APUS_LOGICAL_NOT : c->whole);
  expect(!f == !has, "%s of type %d: has a kernel: %d", c->name, dtype, f != NULL);
  if (!f || !has) return;
  const int result = is_bool(c->op) ? APUS_BOOL : dtype;
  EACH_SIZE(n) {
    for (int step = 0; step <= 3; step++) {
      if (step == 2) continue;
      void *x = drawn(dtype, step * (ptrdiff_t)n + 1, c->low, c->high);
      for (ptrdiff_t i = 0; c->takes_all && dtype <= APUS_FLOAT64 && step && i < special_count && i < (ptrdiff_t)n; i++) {
        put(dtype, x, i * step, special[i]);
      }
      double *wanted = room((ptrdiff_t)n, sizeof(double));
      void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(result));
      for (size_t i = 0; i < n; i++) {
        wanted[i] = c->f(get(dtype, x, (ptrdiff_t)i * step));
        if (dtype == APUS_UINT8) wanted[i] = (uint8_t)(int)wanted[i];
      }
      f(x, step, y, (ptrdiff_t)n);
      // At least one unit of the subnormal numbers.
      const double far = dtype == APUS_FLOAT32 ? fmax(c->far, 2e-45) : 2e-9 * c->far;
      expect_close(result, y, wanted, (ptrdiff_t)n, NEAR(dtype), far, "%s of type %d, %zu elements, step %d", c->name, dtype, n, step);
      if (step == 1 && result == dtype) {
        f(x, 1, x, (ptrdiff_t)n);
        expect_same(x, y, n * (size_t)apus_dtype_size(dtype), "%s in place, type %d, %zu elements", c->name, dtype, n);
      }
    }
  }
}

static void unary(void) {
  for (size_t i = 0; i < sizeof unary_cases / sizeof *unary_cases; i++) {
    for (int dtype = APUS_FLOAT32; dtype <= APUS_BOOL; dtype++) unary_of(&unary_cases[i], dtype);
  }
}

// MARK: Two arguments

static const char *const binary_names[] = {"add", "sub", "mul", "div", "pow", "max", "min", "mod",
                                           "eq",  "ne",  "lt",  "le",  "gt",  "ge",  "and", "or"};

static double binary_plain(int op, int whole, double a, double b) {
  switch (op) {
    case APUS_ADD: return a + b;
    case APUS_SUB: return a - b;
    case APUS_MUL: return a * b;
    case APUS_DIV: return !whole ? a / b : b == 0 ? 0 : floor(a / b);
    case APUS_POW: return whole ? trunc(pow(a, b)) : pow(a, b);
    case APUS_MAX: return a != a || b != b ? NAN : a > b ? a : b;
    case APUS_MIN: return a != a || b != b ? NAN : a < b ? a : b;
    case APUS_MOD: {
      if (whole && b == 0) return 0;
      const double rest = fmod(a, b);
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case APUS_EQ: return a == b;
    case APUS_NE: return a != b;
    case APUS_LT: return a < b;
    case APUS_LE: return a <= b;
    case APUS_GT: return a > b;
    case APUS_GE: return a >= b;
    case APUS_AND: return a != 0 && b != 0;
    default: return a != 0 || b != 0;
  }
}

static void binary_of(int op, int dtype) {
  const apus_binary_fn f = apus_binary((apus_binary_op)op, dtype);
  const int compares = op >= APUS_EQ && op <= APUS_GE, whole = dtype > APUS_FLOAT64;
  const int logical = op == APUS_AND || op == APUS_OR;
  const int has = dtype != APUS_BOOL
                      ? !logical
                      : compares || logical || op == APUS_ADD || op == APUS_MUL || op == APUS_MAX || op == APUS_MIN;
  expect(!f == !has, "%s of type %d: has a kernel: %d", binary_names[op], dtype, f != NULL);
  if (!f || !has) return;
  const int result = compares ? APUS_BOOL : dtype;
  double low = -20, high = 20, low_b = -20;
  if (dtype >= APUS_UINT8) low = low_b = 0;
  if (op == APUS_POW) low = whole ? low : 0, high = 4, low_b = dtype == APUS_UINT8 ? 0 : -4;
  if (op == APUS_POW && whole) low = dtype == APUS_UINT8 ? 1 : 1, high = 4.99;
  if (dtype == APUS_BOOL) high = 1;
  EACH_SIZE(n) {
    for (int steps = 0; steps < 4; steps++) {
      const int sa = steps & 1, sb = steps & 2;  // 0 or 1, 0 or 2
      void *a = drawn(dtype, (ptrdiff_t)n + 1, low, high), *b = drawn(dtype, 2 * (ptrdiff_t)n + 1, low_b, high);
      if (!whole && n > 20 && op != APUS_POW && sa) put(dtype, a, 3, NAN), put(dtype, a, 7, INFINITY), put(dtype, b, 14 * (sb > 0), 1);
      void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(result));
      double *wanted = room((ptrdiff_t)n, sizeof(double));
      for (size_t i = 0; i < n; i++) {
        wanted[i] = binary_plain(op, whole, get(dtype, a, sa * (ptrdiff_t)i), get(dtype, b, sb * (ptrdiff_t)i));
        if (dtype == APUS_UINT8 && !compares) wanted[i] = (uint8_t)(int)wanted[i];
        if (dtype == APUS_BOOL) wanted[i] = wanted[i] != 0;
      }
      f(a, sa, b, sb, y, (ptrdiff_t)n);
      const double near = op == APUS_POW && dtype == APUS_FLOAT32 ? 2e-6 : NEAR(dtype);
      const double far = op == APUS_MOD && !whole ? 20 * NEAR(dtype) : 0;
      expect_close(result, y, wanted, (ptrdiff_t)n, near, far, "%s of type %d, %zu elements, steps %d %d", binary_names[op], dtype, n, sa, sb);
      if (sa == 1 && result == dtype) {
        f(a, 1, b, sb, a, (ptrdiff_t)n);
        expect_same(a, y, n * (size_t)apus_dtype_size(dtype), "%s in place, type %d, %zu elements", binary_names[op], dtype, n);
      }
    }
  }
}

static void binary(void) {
  for (int op = APUS_ADD; op <= APUS_OR; op++) {
    for (int dtype = APUS_FLOAT32; dtype <= APUS_BOOL; dtype++) binary_of(op, dtype);
  }
}

// MARK: Conversions

static double limited(double x, double low, double high) { return x != x ? 0 : x < low ? low : x > high ? high : trunc(x); }

static double cast_plain(int from, int to, double x) {
  if (to == APUS_BOOL) return x != 0;
  if (to == APUS_FLOAT32) return (float)x;
  if (to == APUS_FLOAT64) return x;
  if (from <= APUS_FLOAT64) {
    return to == APUS_INT32   ? limited(x, -0x1p31, 0x1p31 - 1)
           : to == APUS_INT64 ? limited(x, -0x1p63, 0x1p63)
                              : limited(x, 0, 255);
  }
  return to == APUS_INT32 ? (int32_t)(uint32_t)(int64_t)x : to == APUS_INT64 ? x : (uint8_t)(int64_t)x;
}

static void cast(void) {
  const double floats[] = {NAN, INFINITY, -INFINITY, 1e10, -1e10, 1e19, -1e19, 255.9, 256, -0.9, 0.5, 2147483648.0};
  for (int from = APUS_FLOAT32; from <= APUS_BOOL; from++) {
    for (int to = APUS_FLOAT32; to <= APUS_BOOL; to++) {
      const apus_unary_fn f = apus_cast(from, to);
      expect(f != NULL, "no conversion of type %d to %d", from, to);
      if (!f) continue;
      EACH_SIZE(n) {
        for (int step = 0; step <= 2; step++) {
          void *x = drawn(from, 2 * (ptrdiff_t)n + 1, from == APUS_UINT8 || from == APUS_BOOL ? 0 : -1000, 1000);
          for (int i = 0; i < 12 && i < (int)n && from <= APUS_FLOAT64; i++) put(from, x, step * i, floats[i]);
          if (from == APUS_INT64 && n > 2) put(from, x, step, 0x1p40 + 77);
          void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(to));
          double *wanted = room((ptrdiff_t)n, sizeof(double));
          for (size_t i = 0; i < n; i++) wanted[i] = cast_plain(from, to, get(from, x, step * (ptrdiff_t)i));
          f(x, step, y, (ptrdiff_t)n);
          expect_close(to, y, wanted, (ptrdiff_t)n, 0, 0, "type %d to %d, %zu elements, step %d", from, to, n, step);
        }
      }
    }
  }
  expect(apus_cast(17, 0) == NULL, "conversion of an unknown type");
}

static void first_outside(void) {
  EACH_SIZE(n) {
    for (int from = APUS_FLOAT32; from <= APUS_INT64; from++) {
      if (from == APUS_INT32) continue;
      void *x = drawn(from, (ptrdiff_t)n, -100, 100);
      expect(apus_first_outside(from, x, APUS_INT32, (ptrdiff_t)n) == -1, "type %d, %zu numbers that fit", from, n);
      for (size_t bad = n; bad-- > 0; bad -= bad > 100 ? 97 : 0) {
        put(from, x, (ptrdiff_t)bad, bad % 2 || from == APUS_INT64 ? -3e9 : NAN);
        expect(apus_first_outside(from, x, APUS_INT32, (ptrdiff_t)n) == (ptrdiff_t)bad, "type %d, number %zu of %zu", from, bad, n);
      }
    }
  }
}

static void dtype_size(void) {
  const int wanted[] = {4, 8, 4, 8, 1, 1, 0};
  for (int dtype = 0; dtype < 7; dtype++) expect(apus_dtype_size(dtype) == wanted[dtype], "type %d", dtype);
}

// What 16 bits stand for, by the definition of their fields.
static double half_plain(apus_half format, unsigned bits) {
  const int width = format == APUS_HALF_FLOAT16 ? 10 : 7, bias = format == APUS_HALF_FLOAT16 ? 15 : 127;
  const int fraction = bits & ((1 << width) - 1), exponent = (bits & 0x7fff) >> width;
  const double one = ldexp(1, width);
  double x = exponent == 0             ? ldexp(fraction / one, 1 - bias)
             : exponent == 2 * bias + 1 ? (fraction ? (double)NAN : (double)INFINITY)
                                        : ldexp(1 + fraction / one, exponent - bias);
  return bits & 0x8000 ? -x : x;
}

static void half(void) {
  for (int f = 0; f < 2; f++) {
    const apus_half format = (apus_half)f;
    const int count = 65536;
    char *all = room(2 * count + 1, 1);
    uint16_t *back = room(count, 2);
    float *y = room(count, 4);
    double *wanted = room(count, 8);
    for (int i = 0; i < count; i++) {
      const uint16_t bits = (uint16_t)i;
      memcpy(all + 1 + 2 * i, &bits, 2);
      wanted[i] = half_plain(format, bits);
    }
    apus_widen_half(format, all + 1, y, count);
    expect_close(APUS_FLOAT32, y, wanted, count, 0, 0, "all numbers, format %d", f);
    expect(apus_narrow_half(format, y, back, count) == -1, "a number that fits is said not to");
    for (int i = 0; i < count; i++) {
      const int same = wanted[i] != wanted[i] ? half_plain(format, back[i]) != half_plain(format, back[i]) : back[i] == i;
      expect(same, "format %d: %#x comes back as %#x", f, i, back[i]);
    }
    float *added = room(count, 4);
    for (int i = 0; i < count; i++) added[i] = 0.5f, wanted[i] = 0.5f + (float)wanted[i];
    apus_add_half(format, all + 1, added, count);
    expect_close(APUS_FLOAT32, added, wanted, count, 0, 0, "all numbers added, format %d", f);
    for (int i = 0; i < count; i++) wanted[i] = half_plain(format, (unsigned)i);
    // Numbers between two neighbours go to the nearer one, those in the middle to the even one.
    const int largest = format == APUS_HALF_FLOAT16 ? 0x7bff : 0x7f7f;
    float *x = room(3 * largest, 4);
    uint16_t *z = room(3 * largest, 2), *nearest = room(3 * largest, 2);
    for (int i = 0; i < largest; i++) {
      const double low = half_plain(format, (unsigned)i), high = half_plain(format, (unsigned)i + 1), middle = (low + high) / 2;
      const float between[] = {(float)(low + (high - low) * 0.4375), (float)middle, (float)(low + (high - low) * 0.5625)};
      for (int k = 0; k < 3; k++) {
        x[3 * i + k] = i % 2 ? -between[k] : between[k];
        nearest[3 * i + k] = (uint16_t)((k == 0 ? i : k == 2 ? i + 1 : i + i % 2) | (i % 2 ? 0x8000 : 0));
      }
    }
    expect(apus_narrow_half(format, x, z, 3 * largest) == -1, "a number that fits is said not to");
    expect_same(z, nearest, (size_t)largest * 6, "between neighbours, format %d", f);
    EACH_SIZE(n) {
      float *many = drawn(APUS_FLOAT32, (ptrdiff_t)n, -9, 9);
      uint16_t *narrow = room((ptrdiff_t)n, 2);
      if (n > 2) many[0] = INFINITY, many[n - 1] = -3.4e38f;
      expect(apus_narrow_half(format, many, narrow, (ptrdiff_t)n) == (n > 2 ? (ptrdiff_t)n - 1 : -1), "too large, format %d, %zu", f, n);
    }
  }
}

// Multiples of 1/127 of the largest of 1,024 numbers, half of one away at most; a sum with them is one of what they are alone.
static void int8(void) {
  EACH_SIZE(n) {
    const ptrdiff_t count = (ptrdiff_t)n, block = APUS_INT8_BLOCK;
    expect(apus_int8_bytes(count) == count + 4 * ((count + block - 1) / block), "bytes of %zu numbers", n);
    float *x = drawn(APUS_FLOAT32, count, -9, 9), *y = room(count, 4), *sum = drawn(APUS_FLOAT32, count, -1, 1);
    double *wanted = room(count, 8);
    char *bytes = room(apus_int8_bytes(count) + 1, 1);
    if (n > 2) x[1] = 1e-38f;
    apus_narrow_int8(x, bytes + 1, count);
    apus_widen_int8(bytes + 1, y, count, 0);
    for (ptrdiff_t i = 0; i < count; i++) {
      float most = 0;
      for (ptrdiff_t j = i / block * block; j < count && j < i / block * block + block; j++) most = fmaxf(most, fabsf(x[j]));
      expect(fabsf(y[i] - x[i]) <= most / 254 * 1.0001f, "%g of at most %g becomes %g", x[i], most, y[i]);
      wanted[i] = (float)((double)sum[i] + y[i]);
    }
    apus_widen_int8(bytes + 1, sum, count, 1);
    expect_close(APUS_FLOAT32, sum, wanted, count, 0, 0, "added, %zu", n);
    if (n == 0) continue;
    for (int k = 0; k < 2; k++) {
      x[count - 1] = k ? NAN : -INFINITY;
      apus_narrow_int8(x, bytes + 1, count);
      apus_widen_int8(bytes + 1, y, count, 0);
      for (ptrdiff_t i = (count - 1) / block * block; i < count; i++) expect(!isfinite(y[i]), "%g beside %g", y[i], x[count - 1]);
    }
    for (ptrdiff_t i = 0; i < count; i++) x[i] = 1e-31f;
    apus_narrow_int8(x, bytes + 1, count);
    apus_widen_int8(bytes + 1, y, count, 0);
    for (ptrdiff_t i = 0; i < count; i++) expect(y[i] == 0, "tiny numbers become %g", y[i]);
  }
}

// MARK: Selection, gradients of activations

static void selection(void) {
  for (int dtype = APUS_FLOAT32; dtype <= APUS_BOOL; dtype++) {
    const apus_select_fn f = apus_select(dtype);
    EACH_SIZE(n) {
      for (int steps = 0; steps < 8; steps++) {
        const ptrdiff_t sc = steps & 1, sa = (steps & 2) / 2, sb = steps & 4;
        void *c = drawn(APUS_BOOL, (ptrdiff_t)n + 1, 0, 1);
        void *a = drawn(dtype, (ptrdiff_t)n + 1, 0, 9), *b = drawn(dtype, 4 * (ptrdiff_t)n + 1, 10, 19);
        void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(dtype));
        double *wanted = room((ptrdiff_t)n, sizeof(double));
        for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) wanted[i] = get(APUS_BOOL, c, i * sc) != 0 ? get(dtype, a, i * sa) : get(dtype, b, i * sb);
        f(c, sc, a, sa, b, sb, y, (ptrdiff_t)n);
        expect_close(dtype, y, wanted, (ptrdiff_t)n, 0, 0, "type %d, %zu elements, steps %d", dtype, n, steps);
      }
    }
  }
}

static double gradient_plain(int op, double u, double v) {
  switch (op) {
    case APUS_RELU_GRAD: return u > 0 ? v : 0;
    case APUS_TANH_GRAD: return v * (1 - u * u);
    case APUS_SIGMOID_GRAD: return v * u * (1 - u);
    case APUS_GELU_GRAD: return v * (0.5 * erfc(-u * M_SQRT1_2) + u * exp(-u * u / 2) / sqrt(2 * M_PI));
    default: {
      const double c = sqrt(2 / M_PI), t = tanh(c * (u + 0.044715 * u * u * u));
      return v * (0.5 * (1 + t) + 0.5 * u * (1 - t * t) * c * (1 + 3 * 0.044715 * u * u));
    }
  }
}

static void gradient(void) {
  EACH_FLOAT(dtype) for (int op = APUS_RELU_GRAD; op <= APUS_GELU_TANH_GRAD; op++) {
    const apus_binary_fn f = apus_gradient((apus_gradient_op)op, dtype);
    EACH_SIZE(n) {
      for (int steps = 0; steps < 4; steps++) {
        const ptrdiff_t su = steps & 1, sv = steps & 2;
        const double most = op == APUS_TANH_GRAD || op == APUS_SIGMOID_GRAD ? 1 : 5;
        void *u = drawn(dtype, (ptrdiff_t)n + 1, -most, most), *v = drawn(dtype, 2 * (ptrdiff_t)n + 1, -1, 1);
        void *y = room((ptrdiff_t)n, (size_t)apus_dtype_size(dtype));
        double *wanted = room((ptrdiff_t)n, sizeof(double));
        for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) wanted[i] = gradient_plain(op, get(dtype, u, i * su), get(dtype, v, i * sv));
        f(u, su, v, sv, y, (ptrdiff_t)n);
        expect_close(dtype, y, wanted, (ptrdiff_t)n, 2 * NEAR(dtype), 4 * NEAR(dtype), "gradient %d of type %d, %zu elements, steps %d", op, dtype, n, steps);
      }
    }
  }
}

const row elementwise_rows[] = {
    {"apus_unary", unary},
    {"apus_binary", binary},
    {"apus_cast", cast},
    {"apus_first_outside", first_outside},
    {"apus_dtype_size", dtype_size},
    {"apus_widen_half apus_add_half apus_narrow_half", half},
    {"apus_int8_bytes apus_narrow_int8 apus_widen_int8", int8},
    {"apus_select", selection},
    {"apus_gradient", gradient},
    {0},
};
