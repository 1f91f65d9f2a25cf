import COpenMPI
import Foundation
import Tensors

extension MPICommunicator {
  /// Replaces each element by its combination over all ranks (MPI 3.1 §5.9.6). Throws as ``/Engine/Communicator`` says.
  public func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    try CollectiveArguments.check(reducing: count, dtype: dtype, operation: operation)
    let call = CollectiveCall(.allReduce, count: count, dtype: dtype, operation: operation)
    try locked("MPI_Allreduce") { () throws(DistError) in
      if let nodeReduction { return try reduce(buffer, on: nodeReduction, call) }
      try compared(call) { () throws(DistError) in
        try reduceNow(buffer, count, dtype, operation)
      }
    }
  }

  /// Begins an all-reduce (MPI 3.1 §5.12.8). Throws as ``/Engine/Communicator`` says.
  ///
  /// In place: Open MPI's nonblocking all-reduce in place is a binomial reduce and broadcast unless
  /// told otherwise, and the session tells it (see ``MPISession``). Measured with 2 ranks on one node,
  /// medians in µs at 64 KiB, 1 MiB and 16 MiB, in one quiet run: blocking 23, 115, 3400; nonblocking
  /// in place as it comes 36, 239, 7440; out of place from a kept scratch (with its copy) 33, 244,
  /// 7240; in place with reduce-scatter and all-gather, which is done here, 22, 122, 3940. So there is
  /// no scratch and no copy.
  public func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    try CollectiveArguments.check(
      reducing: count, dtype: dtype, operation: operation, call: "startAllReduce")
    let call = CollectiveCall(.allReduce, count: count, dtype: dtype, operation: operation)
    return try locked("MPI_Iallreduce") { () throws(DistError) in
      if let nodeReduction { return try start(buffer, on: nodeReduction, call) }
      // Every rank has the same count, so all take the same way.
      let messages = (count + maximumCount - 1) / maximumCount
      if count * dtype.size <= Self.blockingBytes || messages > RequestTable.requestsPerSlot {
        try notes.record(call) { (number) throws(DistError) in
          try explained(number) { () throws(DistError) in
            try reduceNow(buffer, count, dtype, operation)
          }
        }
        return table.finishedToken()
      }
      let token = table.open(number: notes.begin(call))
      do throws(DistError) {
        try inMessages(count) { (offset, length) throws(DistError) in
          try table.add(to: token) { (request) throws(DistError) in
            try MPICall.run("MPI_Iallreduce", rank: numberInRun) {
              apus_mpi_iallreduce_in_place(
                buffer + offset * dtype.size, length, dtype.mpi, operation.mpi(of: dtype), handle,
                request)
            }
          }
        }
      } catch {
        // Nobody will have the token: what it began must end before the buffer is used or freed.
        try? table.wait(token, rank: numberInRun)
        throw error
      }
      return token
    }
  }

  /// Returns when the all-reduce, or exchange, of `token` is done. Throws as ``/Engine/Communicator`` says.
  public func wait(_ token: Int) throws {
    try locked("MPI_Waitall") { () throws(DistError) in
      if token >= ExchangeTable.firstToken { return try waitForExchange(token) }
      if let nodeReduction { return try wait(token, on: nodeReduction) }
      let number = table.number(of: token)
      notes.wait(for: number)
      defer { notes.stopWaiting() }
      try explained(number) { () throws(DistError) in try table.wait(token, rank: numberInRun) }
    }
  }

  /// Runs calls of MPI that fail where ranks call different things, and says so then.
  func explained(
    _ number: Int, _ body: () throws(DistError) -> Void
  ) throws(DistError) {
    do throws(DistError) {
      try body()
    } catch {
      throw (difference(ofCollective: number) as? DistError) ?? error
    }
  }

  /// Whether the all-reduce, or exchange, of `token` is done; makes progress on all that are pending. Throws as ``/Engine/Communicator``
  /// says.
  public func test(_ token: Int) throws -> Bool {
    try locked("MPI_Testall") { () throws(DistError) in
      if token >= ExchangeTable.firstToken { return try isExchangeDone(token) }
      if let nodeReduction { return try test(token, on: nodeReduction) }
      return try table.test(token, rank: numberInRun)
    }
  }

  func reduceNow(
    _ buffer: UnsafeMutableRawPointer, _ count: Int, _ dtype: DType, _ operation: ReduceOperation
  ) throws(DistError) {
    defer { lastMeeting = .now }
    try inMessages(count) { (offset, length) throws(DistError) in
      try MPICall.run("MPI_Allreduce", rank: numberInRun) {
        apus_mpi_allreduce_in_place(
          buffer + offset * dtype.size, length, dtype.mpi, operation.mpi(of: dtype), handle)
      }
    }
  }

  /// Cuts `count` elements into messages that MPI's 32-bit counts can name.
  ///
  /// - `send`: given the first element and the number of elements of each message.
  func inMessages(
    _ count: Int, _ send: (Int, Int32) throws(DistError) -> Void
  ) throws(DistError) {
    for start in stride(from: 0, to: count, by: maximumCount) {
      try send(start, Int32(min(maximumCount, count - start)))
    }
  }
}
