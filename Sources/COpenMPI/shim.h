// Open MPI for Swift. Its handles (MPI_COMM_WORLD, MPI_FLOAT, MPI_IN_PLACE, ...) are macros with
// casts, which Swift cannot import: each is given here by a function. Calls whose arguments need
// no such macro are called from Swift as they are.
#pragma once
#include <mpi.h>

static inline MPI_Comm apus_mpi_comm_world(void) { return MPI_COMM_WORLD; }

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

static inline int apus_mpi_wait_all(int count, MPI_Request *requests) {
  return MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
}

static inline int apus_mpi_test_all(int count, MPI_Request *requests, int *done) {
  return MPI_Testall(count, requests, done, MPI_STATUSES_IGNORE);
}
