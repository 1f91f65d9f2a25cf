// Attention and its gradient.
#include "driver.h"

typedef struct {
  ptrdiff_t batch, heads, queries, keys, size;
  int is_causal, mask;  // 0: none, 1: bool, 2: of the element type
} attention_case;

// Rounded to the nearest of 8 bits, ties to even.
static double to_bf16(double x) {
  const float f = (float)x;
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
  float rounded;
  memcpy(&rounded, &bits, sizeof bits);
  return rounded;
}

static const attention_case cases[] = {
    {1, 1, 1, 1, 1, 0, 0},    {2, 3, 5, 7, 3, 0, 0},      {1, 2, 64, 64, 16, 1, 0},  {2, 2, 65, 65, 17, 1, 1},
    {1, 2, 130, 67, 32, 0, 2}, {1, 1, 70, 200, 64, 0, 1}, {2, 1, 33, 129, 40, 0, 0}, {1, 1, 200, 200, 8, 1, 2},
};

static apus_attention_strides strides(ptrdiff_t heads, ptrdiff_t size, ptrdiff_t time) {
  return (apus_attention_strides){time * heads * size, heads * size, size, 1};
}

static double as_it_is(double x) { return x; }

static void attention_of(int dtype, int rounds) {
  // What a product makes of its factors.
  double (*const factor)(double) = rounds ? to_bf16 : as_it_is;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const attention_case *c = &cases[i];
    const size_t bytes = (size_t)apus_dtype_size(dtype);
    const apus_attention_strides of_q = strides(c->heads, c->size, c->queries), of_k = strides(c->heads, c->size, c->keys);
    // A mask [batch, 1, queries, keys], repeated over heads.
    const apus_attention_strides of_mask = {c->queries * c->keys, c->keys, 0, 1};
    const apus_attention p = {.dtype = dtype, .is_causal = c->is_causal, .mask_is_bool = c->mask == 1, .rounds = rounds, .scale = 0.3,
                              .batch = c->batch, .heads = c->heads, .queries = c->queries, .keys = c->keys, .size = c->size,
                              .q = of_q, .k = of_k, .v = of_k, .mask = of_mask, .y = of_q, .g = of_q, .dq = of_q, .dk = of_k, .dv = of_k};
    const ptrdiff_t nq = c->batch * c->heads * c->queries * c->size, nk = c->batch * c->heads * c->keys * c->size;
    void *q = drawn(dtype, nq, -1, 1), *k = drawn(dtype, nk, -1, 1), *v = drawn(dtype, nk, -1, 1), *g = drawn(dtype, nq, -1, 1);
    void *mask = c->mask == 0   ? NULL
                 : c->mask == 1 ? drawn(APUS_BOOL, c->batch * c->queries * c->keys, 0.2, 1)
                                : drawn(dtype, c->batch * c->queries * c->keys, -1, 1);
    if (c->mask == 1) memset(mask, 0, (size_t)c->keys);  // the first query sees no key
    void *y = room(nq, bytes), *sums = room(c->batch * c->heads * c->queries, bytes);
    void *dq = room(nq, bytes), *dk = room(nk, bytes), *dv = room(nk, bytes);
    double *y_wanted = room(nq, 8), *sums_wanted = room(c->batch * c->heads * c->queries, 8);
    double *dq_wanted = room(nq, 8), *dk_wanted = room(nk, 8), *dv_wanted = room(nk, 8), *w = room(c->keys, 8), *slope = room(c->keys, 8);
    for (ptrdiff_t b = 0; b < c->batch; b++) for (ptrdiff_t h = 0; h < c->heads; h++) for (ptrdiff_t t = 0; t < c->queries; t++) {
      const ptrdiff_t at = b * of_q.batch + t * of_q.time + h * c->size, head = b * of_k.batch + h * c->size;
      double top = -INFINITY, sum = 0, dot = 0;
      for (ptrdiff_t j = 0; j < c->keys; j++) {
        double score = 0;
        for (ptrdiff_t e = 0; e < c->size; e++) score += factor(get(dtype, q, at + e)) * factor(get(dtype, k, head + j * of_k.time + e));
        score *= 0.3;
        const ptrdiff_t place = (b * c->queries + t) * c->keys + j;
        if (c->mask == 1 && get(APUS_BOOL, mask, place) == 0) score = -INFINITY;
        if (c->mask == 2) score += get(dtype, mask, place);
        w[j] = c->is_causal && j > t ? -INFINITY : score;
        top = fmax(top, w[j]);
      }
      for (ptrdiff_t j = 0; j < c->keys; j++) sum += w[j] == -INFINITY ? 0 : exp(w[j] - top);
      sums_wanted[(b * c->heads + h) * c->queries + t] = sum == 0 ? -INFINITY : top + log(sum);
      for (ptrdiff_t j = 0; j < c->keys; j++) {
        const ptrdiff_t from = head + j * of_k.time;
        w[j] = w[j] == -INFINITY ? 0 : exp(w[j] - top) / sum;
        slope[j] = 0;
        for (ptrdiff_t e = 0; e < c->size; e++) {
          y_wanted[at + e] += w[j] * factor(get(dtype, v, from + e));
          slope[j] += factor(get(dtype, g, at + e)) * factor(get(dtype, v, from + e));
          dv_wanted[from + e] += factor(w[j]) * factor(get(dtype, g, at + e));
        }
        dot += w[j] * slope[j];
      }
      for (ptrdiff_t e = 0; rounds && e < c->size; e++) {
        // The kernel takes it from the result and the gradient as they are.
        if (e == 0) dot = 0;
        dot += y_wanted[at + e] * get(dtype, g, at + e);
      }
      for (ptrdiff_t j = 0; j < c->keys; j++) {
        const ptrdiff_t from = head + j * of_k.time;
        const double of_score = 0.3 * factor(w[j] * (slope[j] - dot));
        for (ptrdiff_t e = 0; e < c->size; e++) {
          dq_wanted[at + e] += of_score * factor(get(dtype, k, from + e));
          dk_wanted[from + e] += of_score * factor(get(dtype, q, at + e));
        }
      }
    }
    const ptrdiff_t items = apus_attention_items(&p, 0), items_grad = apus_attention_items(&p, 1);
    void *scratch = room((ptrdiff_t)apus_attention_scratch(&p, 0), 1), *scratch_grad = room((ptrdiff_t)apus_attention_scratch(&p, 1), 1);
    // In two pieces, as by two threads.
    apus_attention_run(&p, q, k, v, mask, y, sums, 0, items / 2, scratch);
    apus_attention_run(&p, q, k, v, mask, y, sums, items / 2, items, scratch);
    // A weight that lies between two numbers of 8 bits may be rounded either way, and before or after it has been divided; the
    // weight of a single key is 1.
    const int exact = !rounds || c->keys == 1;
    const double near = exact ? 20 * NEAR(dtype) : 4e-3, far = exact ? 5 * NEAR(dtype) : 1e-3;
    expect_close(dtype, y, y_wanted, nq, near, far, "y, type %d, rounds %d, case %zu", dtype, rounds, i);
    expect_close(dtype, sums, sums_wanted, c->batch * c->heads * c->queries, 20 * NEAR(dtype), 5 * NEAR(dtype), "sums, type %d, rounds %d, case %zu", dtype, rounds, i);
    apus_attention_grad_run(&p, q, k, v, mask, y, sums, g, dq, dk, dv, 0, items_grad / 2, scratch_grad);
    apus_attention_grad_run(&p, q, k, v, mask, y, sums, g, dq, dk, dv, items_grad / 2, items_grad, scratch_grad);
    expect_close(dtype, dq, dq_wanted, nq, near, 2 * far, "dq, type %d, rounds %d, case %zu", dtype, rounds, i);
    expect_close(dtype, dk, dk_wanted, nk, near, 4 * far, "dk, type %d, rounds %d, case %zu", dtype, rounds, i);
    expect_close(dtype, dv, dv_wanted, nk, near, 4 * far, "dv, type %d, rounds %d, case %zu", dtype, rounds, i);
  }
}

static void attention(void) {
  EACH_FLOAT(dtype) attention_of(dtype, 0);
  attention_of(APUS_FLOAT32, 1);
}

const row attention_rows[] = {
    {"apus_attention_run apus_attention_grad_run apus_attention_items apus_attention_scratch", attention},
    {0},
};
