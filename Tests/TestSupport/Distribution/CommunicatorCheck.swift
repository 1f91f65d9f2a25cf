import Engine

/// A behaviour that every communicator must have, checked by each rank against a closed form in the
/// number of ranks. The same checks run on threads of one process and on the ranks of `mpirun`.
public struct CommunicatorCheck: Sendable, CustomStringConvertible {
  /// What the check is called on the command line.
  public let name: String

  /// What each rank does; throws ``CheckFailure`` when the behaviour is not as it must be.
  public let run: @Sendable (any Communicator) throws -> Void

  /// A named check.
  public init(_ name: String, _ run: @escaping @Sendable (any Communicator) throws -> Void) {
    self.name = name
    self.run = run
  }

  /// The name.
  public var description: String { name }

  /// All of them; a new one is a new row.
  public static let all: [CommunicatorCheck] = [
    CommunicatorCheck("all-reduce", checkAllReduce),
    CommunicatorCheck("all-reduce-wraps", checkAllReduceWraps),
    CommunicatorCheck("all-reduce-booleans", checkAllReduceOfBooleans),
    CommunicatorCheck("all-reduce-nan", checkAllReduceOfNaN),
    CommunicatorCheck("all-reduce-same-bits", checkAllReduceGivesSameBits),
    CommunicatorCheck("nonblocking-out-of-order", checkNonblockingOutOfOrder),
    CommunicatorCheck("nonblocking-test", checkNonblockingTest),
    CommunicatorCheck("nonblocking-many-rounds", checkNonblockingManyRounds),
    CommunicatorCheck("nonblocking-many", checkNonblockingMany),
    CommunicatorCheck("broadcast", checkBroadcast),
    CommunicatorCheck("all-gather", checkAllGather),
    CommunicatorCheck("reduce-scatter", checkReduceScatter),
    CommunicatorCheck("text", checkText),
    CommunicatorCheck("barrier", checkBarrier),
    CommunicatorCheck("agreement", checkAgreement),
    CommunicatorCheck("notes", checkNotes),
    CommunicatorCheck("disagreement", checkDisagreement),
    CommunicatorCheck("disagreement-of-lengths", checkDisagreementOfLengths),
    CommunicatorCheck("wrong-arguments", checkWrongArguments),
  ]
}

/// A behaviour that is not as it must be.
public struct CheckFailure: Error, CustomStringConvertible {
  /// What was expected and what was found.
  public let description: String

  /// A failure with its text.
  public init(_ description: String) {
    self.description = description
  }
}

/// Throws ``CheckFailure`` with `message` unless `condition` holds.
public func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  if !condition { throw CheckFailure(message()) }
}

/// Throws ``CheckFailure`` unless `found` is `expected`.
public func requireEqual<T: Equatable>(
  _ found: T, _ expected: T, _ what: @autoclosure () -> String
) throws {
  if found != expected { throw CheckFailure("\(what()): expected \(expected), found \(found)") }
}

/// The error that `body` throws; a failure when it throws none.
public func requireError(_ what: String, _ body: () throws -> Void) throws -> any Error {
  do { try body() } catch { return error }
  throw CheckFailure("\(what): expected an error, but none was thrown")
}

/// Runs `body` on memory that holds `values`, followed by a guard that must stay as it is.
///
/// - Returns: what the memory holds afterwards.
func withGuardedMemory<T: BitwiseCopyable>(
  _ values: [T], _ body: (UnsafeMutableRawPointer) throws -> Void
) throws -> [T] {
  let length = values.count * MemoryLayout<T>.stride
  let memory = UnsafeMutableRawPointer.allocate(byteCount: length + 64, alignment: 64)
  defer { memory.deallocate() }
  values.withUnsafeBytes { bytes in
    if let from = bytes.baseAddress { memory.copyMemory(from: from, byteCount: length) }
  }
  (memory + length).initializeMemory(as: UInt8.self, repeating: 0xa5, count: 64)
  try body(memory)
  for offset in 0..<64 {
    let byte = memory.load(fromByteOffset: length + offset, as: UInt8.self)
    try require(byte == 0xa5, "byte \(offset) behind the buffer was written")
  }
  return (0..<values.count).map {
    memory.load(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
  }
}
