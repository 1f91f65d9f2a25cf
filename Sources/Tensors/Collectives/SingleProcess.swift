import Foundation

/// One process on its own: the default strategy, which costs nothing.
public final class SingleProcess: DistributionStrategy {
  /// The strategy used outside any `withStrategy`.
  public static let shared = SingleProcess()

  /// A communicator of one rank.
  public let communicator: any Communicator

  /// How losses are scaled; with one replica both ways are the same.
  public let lossScaling: LossScaling

  /// One process with the given scaling.
  public init(lossScaling: LossScaling = .replicas) {
    (communicator, self.lossScaling) = (LocalCommunicator(), lossScaling)
  }

  /// One process that notes where it is, for a launcher.
  package init(lossScaling: LossScaling, journal: RankJournal) {
    (communicator, self.lossScaling) = (LocalCommunicator(journal), lossScaling)
  }
}

/// The communicator of a single rank: a collective over one rank leaves its values as they are.
public final class LocalCommunicator: Communicator {
  /// The number of the only rank, 0.
  public let rank = 0

  /// The number of ranks, 1.
  public let size = 1

  /// Notes where the process is, when a launcher reads it; else nil.
  public let journal: RankJournal?

  /// A communicator of one rank.
  public init() { journal = nil }

  fileprivate init(_ journal: RankJournal) { self.journal = journal }

  /// Leaves `buffer` as it is. Throws as ``Communicator`` says.
  public func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    try CollectiveArguments.check(reducing: count, dtype: dtype, operation: operation)
  }

  /// Leaves `buffer` as it is. Throws as ``Communicator`` says.
  public func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    try CollectiveArguments.check(reducing: count, dtype: dtype, operation: operation)
    return 0
  }

  /// Returns at once. Never throws.
  public func wait(_ token: Int) throws {}

  /// true: nothing is ever pending. Never throws.
  public func test(_ token: Int) throws -> Bool { true }

  /// Leaves `buffer` as it is. Throws as ``Communicator`` says.
  public func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {
    try CollectiveArguments.check(broadcasting: count, root: root, size: 1)
  }

  /// Copies `counts[0]` elements. Throws as ``Communicator`` says.
  public func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(gathering: counts, size: 1)
    // memmove: the caller may gather a buffer into itself.
    if send != UnsafeRawPointer(into) { memmove(into, send, counts[0] * dtype.size) }
  }

  /// Returns at once. Never throws.
  public func barrier() throws {}

  /// Prints `message` and exits with `code`.
  public func abort(message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(code)
  }
}
