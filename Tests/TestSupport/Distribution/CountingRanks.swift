import Engine

/// A communicator that counts the messages of another one.
///
/// `@unchecked Sendable`: one thread uses it, as a rank does.
final class CountingRanks: Communicator, @unchecked Sendable {
  private let ranks: any Communicator
  private(set) var messages = 0

  init(_ ranks: any Communicator) { self.ranks = ranks }

  var rank: Int { ranks.rank }
  var size: Int { ranks.size }

  func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    messages += 1
    try ranks.allReduce(buffer, count: count, dtype: dtype, operation: operation)
  }

  func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    messages += 1
    return try ranks.startAllReduce(buffer, count: count, dtype: dtype, operation: operation)
  }

  func wait(_ token: Int) throws { try ranks.wait(token) }
  func test(_ token: Int) throws -> Bool { try ranks.test(token) }

  func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {
    messages += 1
    try ranks.broadcast(buffer, count: count, dtype: dtype, root: root)
  }

  func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    messages += 1
    try ranks.allGather(send, counts: counts, dtype: dtype, into: into)
  }

  func barrier() throws { try ranks.barrier() }
  func abort(message: String, code: Int32) -> Never { ranks.abort(message: message, code: code) }
}
