/// How a collective combines the values of the ranks, element by element.
public enum ReduceOperation: Int, Sendable, CaseIterable {
  /// The sum; integers wrap around.
  case sum = 0
  /// The smallest of all ranks' elements.
  case min
  /// The largest of all ranks' elements.
  case max
}

/// What joins the ranks of a run: who this rank is, and the collectives between all of them.
///
/// Every rank makes the same calls in the same order, with the same counts and types: a collective is
/// complete only when every rank has made it. Counts are in elements; a count of 0 is fine.
///
/// `startAllReduce` gives a token. Until ``wait(_:)`` returns (or ``test(_:)`` returned `true`) the
/// buffer belongs to the communicator: do not read, write or free it. Tokens may be waited for in any
/// order. Waiting again for a token that is done returns at once.
///
/// Every collective throws when no rank could make it (a negative count, a root that is no rank, a sum of booleans), and when
/// the ranks cannot complete it; Dist's communicators then throw a `DistError` that names the call.
public protocol Communicator: AnyObject, Sendable {
  /// The number of this rank, from 0.
  var rank: Int { get }

  /// How many ranks there are, at least 1.
  var size: Int { get }

  /// Whether this rank is the first one of its node; rank 0 alone, unless given.
  var isFirstOfNode: Bool { get }

  /// What this rank has been doing, for errors between ranks; nil, unless given.
  var journal: RankJournal? { get }

  /// Replaces each element by its combination over all ranks; every rank gets the same bits.
  ///
  /// - Parameters:
  ///   - buffer: `count` elements of `dtype`, replaced in place.
  ///   - count: elements, the same on every rank.
  ///   - dtype: the scalar type; booleans have no sum.
  ///   - operation: sum, min or max.
  /// - Throws: as all collectives do.
  func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation) throws

  /// Begins an all-reduce and returns without waiting for the other ranks (a short one may be done at
  /// once, when that is cheaper).
  ///
  /// - Returns: the token for ``wait(_:)`` and ``test(_:)``.
  func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int

  /// Returns when the all-reduce of `token` is done.
  func wait(_ token: Int) throws

  /// Whether the all-reduce of `token` is done; also lets every pending one go on a little.
  func test(_ token: Int) throws -> Bool

  /// Copies `count` elements from rank `root` to all others.
  func broadcast(_ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int) throws

  /// Concatenates what the ranks hold, in the order of ranks, on every rank.
  ///
  /// - Parameters:
  ///   - send: this rank's `counts[rank]` elements.
  ///   - counts: elements of each rank, the same list on every rank.
  ///   - dtype: the scalar type.
  ///   - into: room for the sum of `counts` elements.
  /// - Throws: as all collectives do.
  func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer) throws

  /// Adds up what the ranks bring, and gives each rank its part of the sum.
  ///
  /// Made from ``allReduce(_:count:dtype:operation:)``, unless given.
  ///
  /// - Parameters:
  ///   - send: the sum of `counts` elements: the parts of all ranks, in their order.
  ///   - counts: elements of each rank's part, the same list on every rank.
  ///   - dtype: the scalar type; booleans have no sum.
  ///   - into: room for `counts[rank]` elements; it must not overlap `send`.
  /// - Throws: as all collectives do.
  func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer) throws

  /// Returns when every rank has called it.
  func barrier() throws

  /// An error that says what other ranks call at the place of one of the journal's collectives.
  ///
  /// Asked when the result of a collective shows that ranks have called different things.
  ///
  /// - Returns: nil, unless given, or when all call the same as far as this rank can find out.
  func difference(ofCollective number: Int) -> (any Error)?

  /// Ends every rank of the run, with `message` on standard error and `code` as the exit code.
  func abort(message: String, code: Int32) -> Never
}

extension Communicator {
  /// Whether this is rank 0: all ranks are on one node.
  public var isFirstOfNode: Bool { rank == 0 }

  /// The sum of everything on every rank, of which a part is kept.
  public func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(scattering: counts, size: size, dtype: dtype)
    let count = counts.reduce(0, +)
    let sum = Storage(byteCount: count * dtype.size)
    sum.pointer.copyMemory(from: send, byteCount: count * dtype.size)
    try allReduce(sum.pointer, count: count, dtype: dtype, operation: .sum)
    let start = counts[..<rank].reduce(0, +)
    into.copyMemory(
      from: sum.pointer + start * dtype.size, byteCount: counts[rank] * dtype.size)
  }

  /// nil
  public var journal: RankJournal? { nil }

  /// nil
  public func difference(ofCollective number: Int) -> (any Error)? { nil }
}
