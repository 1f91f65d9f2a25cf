// Open MPI for Swift. Its handles (MPI_COMM_WORLD, MPI_FLOAT, MPI_IN_PLACE, ...) are macros with
// casts, which Swift cannot import: each is given here by a function. Calls whose arguments need
// no such macro are called from Swift as they are.
#pragma once
#include <mpi.h>
#include <stdint.h>

static inline MPI_Comm apus_mpi_comm_world(void) { return MPI_COMM_WORLD; }

static inline int apus_mpi_undefined(void) { return MPI_UNDEFINED; }

static inline int apus_mpi_success(void) { return MPI_SUCCESS; }
static inline int apus_mpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int apus_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int apus_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int apus_mpi_max_processor_name(void) { return MPI_MAX_PROCESSOR_NAME; }

// The number of a type is the raw value of Engine's DType: float32, float64, int32, int64, uint8, bool.
static inline MPI_Datatype apus_mpi_datatype(int dtype) {
  switch (dtype) {
    case 0: return MPI_FLOAT;
    case 1: return MPI_DOUBLE;
    case 2: return MPI_INT32_T;
    case 3: return MPI_INT64_T;
    case 4:
    case 5: return MPI_UINT8_T;
    default: return MPI_DATATYPE_NULL;
  }
}

// MPI_MIN and MPI_MAX leave open what becomes of a NaN, and with Open MPI it depends on the rank and the algorithm. Here a
// NaN on any rank gives NaN on all, and -0 is smaller than 0, so that all ranks get the same bits in any order.
#define APUS_MPI_EXTREME(T, name, RESULT)                         \
  static inline void name(const T *x, T *y, int count) {          \
    for (int i = 0; i < count; i++) {                             \
      const T a = x[i], b = y[i];                                 \
      y[i] = (RESULT);                                            \
    }                                                             \
  }
#define APUS_MPI_EXTREMES(T, suffix, nan)                                                \
  APUS_MPI_EXTREME(T, apus_mpi_min_##suffix,                                             \
                   a < b ? a : b < a ? b : a == b ? (__builtin_signbit(a) ? a : b) : nan) \
  APUS_MPI_EXTREME(T, apus_mpi_max_##suffix,                                             \
                   a > b ? a : b > a ? b : a == b ? (__builtin_signbit(a) ? b : a) : nan)
APUS_MPI_EXTREMES(float, f32, __builtin_nanf(""))
APUS_MPI_EXTREMES(double, f64, __builtin_nan(""))

static inline void apus_mpi_min(void *x, void *y, int *count, MPI_Datatype *type) {
  if (*type == MPI_FLOAT) apus_mpi_min_f32((const float *)x, (float *)y, *count);
  if (*type == MPI_DOUBLE) apus_mpi_min_f64((const double *)x, (double *)y, *count);
}

static inline void apus_mpi_max(void *x, void *y, int *count, MPI_Datatype *type) {
  if (*type == MPI_FLOAT) apus_mpi_max_f32((const float *)x, (float *)y, *count);
  if (*type == MPI_DOUBLE) apus_mpi_max_f64((const double *)x, (double *)y, *count);
}

// MPI_SUM of Open MPI 4.1 saturates bytes where it has vector instructions, and lets the last ones wrap around.
static inline void apus_mpi_sum(void *x, void *y, int *count, MPI_Datatype *type) {
  (void)type;
  for (int i = 0; i < *count; i++) ((uint8_t *)y)[i] += ((const uint8_t *)x)[i];
}

// An operation of our own: 0 sums of uint8, 1 and 2 the smallest and largest of floating-point numbers. Made once, after MPI has begun.
// MPI_OP_NULL after a failure, which the reduction that uses it reports.
static inline MPI_Op apus_mpi_own_operation(int operation) {
  MPI_User_function *functions[] = {apus_mpi_sum, apus_mpi_min, apus_mpi_max};
  MPI_Op made = MPI_OP_NULL;
  if (MPI_Op_create(functions[operation], 1, &made) != MPI_SUCCESS) return MPI_OP_NULL;
  return made;
}

// 0 sum, 1 min, 2 max.
static inline MPI_Op apus_mpi_operation(int operation) {
  switch (operation) {
    case 0: return MPI_SUM;
    case 1: return MPI_MIN;
    case 2: return MPI_MAX;
    default: return MPI_OP_NULL;
  }
}

static inline int apus_mpi_return_errors(MPI_Comm comm) {
  return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
}

static inline int apus_mpi_init(int required, int *provided) {
  return MPI_Init_thread(NULL, NULL, required, provided);
}

static inline int apus_mpi_split_shared(MPI_Comm comm, int key, MPI_Comm *local) {
  return MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, local);
}

static inline int apus_mpi_allreduce_in_place(
    void *buffer, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm) {
  return MPI_Allreduce(MPI_IN_PLACE, buffer, count, type, operation, comm);
}

static inline int apus_mpi_iallreduce_in_place(
    void *buffer, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm,
    MPI_Request *request) {
  return MPI_Iallreduce(MPI_IN_PLACE, buffer, count, type, operation, comm, request);
}

// Each rank's part already stands at its place in `receive`.
static inline int apus_mpi_allgatherv_in_place(
    void *receive, const int *counts, const int *offsets, MPI_Datatype type, MPI_Comm comm) {
  return MPI_Allgatherv(
      MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, receive, counts, offsets, type, comm);
}

// One number of each rank, among all ranks of the job.
static inline int apus_mpi_iallgather_world(
    const uint64_t *send, uint64_t *receive, MPI_Request *request) {
  return MPI_Iallgather(
      send, 1, MPI_UINT64_T, receive, 1, MPI_UINT64_T, MPI_COMM_WORLD, request);
}

// `count` bytes of each rank, in the order of ranks.
static inline int apus_mpi_allgather_bytes(
    const void *send, void *receive, int count, MPI_Comm comm) {
  return MPI_Allgather(send, count, MPI_BYTE, receive, count, MPI_BYTE, comm);
}

static inline int apus_mpi_wait_all(int count, MPI_Request *requests) {
  return MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
}

static inline int apus_mpi_test_all(int count, MPI_Request *requests, int *done) {
  return MPI_Testall(count, requests, done, MPI_STATUSES_IGNORE);
}
