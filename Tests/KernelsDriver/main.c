// Compares each kernel of CKernels.h with a plain loop. Usage: driver [--list]
//
// `--list` prints the kernels that a row covers, and those that none can cover with the reason.
#include <stdarg.h>
#include <stdio.h>

#include "driver.h"

static const row *const tables[] = {
    elementwise_rows, loop_rows,    reduction_rows, sequence_rows, attention_rows, index_rows, convolution_rows,
    pooling_rows,     optimizer_rows, random_rows,  product_rows,  system_rows,
    recurrence_rows,
};

static const char *const not_covered[][2] = {
    {"apus_fma_loop", "measures; runs, and what it gives is only looked at for being finite"},
    {"apus_cpu_identity", "the name of the CPU is known to nobody else; runs"},
    {"apus_set_death_signal", "the end of a parent is a test of the launcher; runs"},
};

// A program of Swift has these; here they only have to be there.
void apus_error_in_main(const void *error);
void apus_error_in_main(const void *error) {
  (void)error;
  abort();
}

static int faults_of_row, comparisons;

static void fault(const char *what, va_list arguments) {
  if (faults_of_row++ >= 5) return;
  printf("    ");
  vprintf(what, arguments);
}

// MARK: Memory

enum { guard_bytes = 256, most_blocks = 1 << 18, guard_value = 0xa5 };
static struct {
  unsigned char *start;
  size_t bytes;
} blocks[most_blocks];
static int block_count;

void *room(ptrdiff_t count, size_t size) {
  const size_t bytes = (size_t)count * size;
  unsigned char *start = malloc(bytes + 2 * guard_bytes);
  if (!start || block_count == most_blocks) {
    printf("no memory for %zu bytes, or too many blocks\n", bytes);
    exit(2);
  }
  memset(start, guard_value, bytes + 2 * guard_bytes);
  memset(start + guard_bytes, 0, bytes);
  blocks[block_count].start = start;
  blocks[block_count++].bytes = bytes;
  return start + guard_bytes;
}

void *copied(const void *x) {
  for (int i = block_count - 1; i >= 0; i--) {
    if (blocks[i].start + guard_bytes != (const unsigned char *)x) continue;
    return memcpy(room((ptrdiff_t)blocks[i].bytes, 1), x, blocks[i].bytes);
  }
  abort();
}

static void end_row(void) {
  for (int i = 0; i < block_count; i++) {
    const unsigned char *before = blocks[i].start, *after = before + guard_bytes + blocks[i].bytes;
    int touched = 0;
    for (int k = 0; k < guard_bytes; k++) touched |= before[k] != guard_value || after[k] != guard_value;
    expect(!touched, "written outside of an array of %zu bytes", blocks[i].bytes);
    free(blocks[i].start);
  }
  block_count = 0;
}

// MARK: Numbers

// Set back for each row, whose numbers do not depend on the others.
static uint64_t state;

double draw(double low, double high) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * ((double)(state >> 11) * 0x1p-53);
}

void *drawn(int dtype, ptrdiff_t n, double low, double high) {
  void *x = room(n, (size_t)apus_dtype_size(dtype));
  for (ptrdiff_t i = 0; i < n; i++) put(dtype, x, i, draw(low, high));
  return x;
}

double get(int dtype, const void *x, ptrdiff_t i) {
  switch (dtype) {
    case APUS_FLOAT32: return ((const float *)x)[i];
    case APUS_FLOAT64: return ((const double *)x)[i];
    case APUS_INT32: return ((const int32_t *)x)[i];
    case APUS_INT64: return (double)((const int64_t *)x)[i];
    default: return ((const uint8_t *)x)[i];
  }
}

void put(int dtype, void *x, ptrdiff_t i, double value) {
  switch (dtype) {
    case APUS_FLOAT32: ((float *)x)[i] = (float)value; break;
    case APUS_FLOAT64: ((double *)x)[i] = value; break;
    case APUS_INT32: ((int32_t *)x)[i] = (int32_t)(uint32_t)(int64_t)value; break;
    case APUS_INT64: ((int64_t *)x)[i] = (int64_t)value; break;
    case APUS_UINT8: ((uint8_t *)x)[i] = (uint8_t)(int64_t)value; break;
    default: ((uint8_t *)x)[i] = value >= 0.5; break;
  }
}

// MARK: Comparisons

void expect(int condition, const char *what, ...) {
  comparisons++;
  if (condition) return;
  va_list arguments;
  va_start(arguments, what);
  fault(what, arguments);
  va_end(arguments);
  if (faults_of_row <= 5) printf("\n");
}

void expect_close(int dtype, const void *got, const double *wanted, ptrdiff_t n, double near, double far, const char *what,
                  ...) {
  comparisons++;
  for (ptrdiff_t i = 0; i < n; i++) {
    const double a = get(dtype, got, i), b = wanted[i];
    if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= far + near * fabs(b)) continue;
    // Beyond the largest float.
    if (dtype == APUS_FLOAT32 && isinf(a) && (float)b == (float)a) continue;
    va_list arguments;
    va_start(arguments, what);
    fault(what, arguments);
    va_end(arguments);
    if (faults_of_row <= 5) printf(": element %td of %td is %.9g, not %.9g\n", i, n, a, b);
    return;
  }
}

void expect_same(const void *got, const void *wanted, size_t bytes, const char *what, ...) {
  comparisons++;
  if (memcmp(got, wanted, bytes) == 0) return;
  va_list arguments;
  va_start(arguments, what);
  fault(what, arguments);
  va_end(arguments);
  if (faults_of_row <= 5) printf(": bytes differ\n");
}

// MARK: The table

int main(int count, char **arguments) {
  const int lists = count > 1 && strcmp(arguments[1], "--list") == 0;
  int rows = 0, failed = 0;
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    for (const row *r = tables[t]; r->kernels; r++, rows++) {
      if (lists) {
        printf("%s\n", r->kernels);
        continue;
      }
      faults_of_row = 0;
      state = 1;
      r->run();
      end_row();
      if (faults_of_row) printf("FAILED %s (%d faults)\n", r->kernels, faults_of_row);
      failed += faults_of_row > 0;
    }
  }
  for (size_t i = 0; i < sizeof not_covered / sizeof *not_covered; i++) {
    if (lists) {
      printf("%s\n", not_covered[i][0]);
    } else {
      printf("not compared: %s (%s)\n", not_covered[i][0], not_covered[i][1]);
    }
  }
  if (lists) return 0;
  printf("%s: %d rows, %d comparisons, %d rows failed\n", apus_cpu_target(), rows, comparisons, failed);
  return failed > 0;
}
