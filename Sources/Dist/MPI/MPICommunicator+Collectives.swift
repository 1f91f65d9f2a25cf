import COpenMPI
import Foundation
import Tensors

extension MPICommunicator {
  /// Copies `count` elements from rank `root` to all others (MPI 3.1 §5.4). Throws as ``/Engine/Communicator`` says.
  public func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {
    try CollectiveArguments.check(broadcasting: count, root: root, size: size)
    let call = CollectiveCall(.broadcast, count: count, dtype: dtype, root: root)
    try locked("MPI_Bcast") { () throws(DistError) in
      try compared(call) { () throws(DistError) in try broadcastNow(buffer, count, dtype, root) }
    }
  }

  /// Concatenates what the ranks hold, on every rank (MPI 3.1 §5.7). Throws as ``/Engine/Communicator`` says.
  public func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(gathering: counts, size: size)
    let total = counts.reduce(0, +)
    let mine = into + counts[..<rank].reduce(0, +) * dtype.size
    // MPI_IN_PLACE must be given by all ranks or none, and a rank does not know where the others' parts are: all put theirs
    // into place first.
    if send != UnsafeRawPointer(mine) { memmove(mine, send, counts[rank] * dtype.size) }
    let call = CollectiveCall(.allGather, parts: counts, dtype: dtype)
    try locked("MPI_Allgatherv") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(call) { () throws(DistError) in try gatherNow(counts, total, dtype, into) }
    }
  }

  func gatherNow(
    _ counts: [Int], _ total: Int, _ dtype: DType, _ into: UnsafeMutableRawPointer
  ) throws(DistError) {
    if total > maximumCount {
      // Places beyond 32 bits cannot be named to MPI_Allgatherv: each rank sends to all in turn.
      var start = 0
      for root in 0..<size {
        try broadcastNow(into + start * dtype.size, counts[root], dtype, root)
        start += counts[root]
      }
      return
    }
    var start = 0
    for other in 0..<size {
      counts32[other] = Int32(counts[other])
      offsets32[other] = Int32(start)
      start += counts[other]
    }
    try MPICall.run("MPI_Allgatherv", rank: numberInRun) {
      apus_mpi_allgatherv_in_place(into, counts32, offsets32, dtype.mpi, handle)
    }
  }

  /// Adds up what the ranks bring, and gives each rank its part of the sum (MPI 3.1 §5.10.2). Throws as ``/Engine/Communicator`` says.
  public func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(scattering: counts, size: size, dtype: dtype)
    let call = CollectiveCall(.reduceScatter, parts: counts, dtype: dtype)
    try locked("MPI_Reduce_scatter") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(call) { () throws(DistError) in
        try reduceScatterNow(send, counts, call.count, dtype, into)
      }
    }
  }

  func reduceScatterNow(
    _ send: UnsafeRawPointer, _ counts: [Int], _ total: Int, _ dtype: DType,
    _ into: UnsafeMutableRawPointer
  ) throws(DistError) {
    let sum = ReduceOperation.sum.mpi(of: dtype)
    if total > maximumCount {
      // More than MPI_Reduce_scatter can count: the parts one after the other, each to its rank.
      var start = 0
      for root in 0..<size {
        try inMessages(counts[root]) { (offset, length) throws(DistError) in
          try MPICall.run("MPI_Reduce", rank: numberInRun) {
            MPI_Reduce(
              send + (start + offset) * dtype.size, into + offset * dtype.size, length, dtype.mpi,
              sum, Int32(root), handle)
          }
        }
        start += counts[root]
      }
      return
    }
    for other in 0..<size { counts32[other] = Int32(counts[other]) }
    try MPICall.run("MPI_Reduce_scatter", rank: numberInRun) {
      MPI_Reduce_scatter(send, into, counts32, dtype.mpi, sum, handle)
    }
  }

  /// Returns when every rank has called it (MPI 3.1 §5.3). Throws as ``/Engine/Communicator`` says.
  public func barrier() throws {
    try locked("MPI_Barrier") { () throws(DistError) in
      defer { lastMeeting = .now }
      try compared(CollectiveCall(.barrier)) { () throws(DistError) in
        try MPICall.run("MPI_Barrier", rank: numberInRun) { MPI_Barrier(handle) }
      }
    }
  }

  func broadcastNow(
    _ buffer: UnsafeMutableRawPointer, _ count: Int, _ dtype: DType, _ root: Int
  ) throws(DistError) {
    try inMessages(count) { (offset, length) throws(DistError) in
      try MPICall.run("MPI_Bcast", rank: numberInRun) {
        MPI_Bcast(buffer + offset * dtype.size, length, dtype.mpi, Int32(root), handle)
      }
    }
  }
}
