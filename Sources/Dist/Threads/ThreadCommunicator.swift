import Foundation
import Tensors

/// Ranks that are threads of one process and combine their values in shared memory.
///
/// Values are combined in the order of ranks, so results do not depend on timing. Ranks that make
/// different collectives get an error that says so, and a rank that throws or returns while others
/// wait for it wakes them with an error. See ``withStrategy(_:lossScaling:gradientReduction:_:)`` with `.threads`.
public final class ThreadCommunicator: Communicator {
  /// The number of this rank.
  public let rank: Int

  /// The number of ranks.
  public let size: Int

  /// The collectives of this rank.
  public let journal: RankJournal?

  /// The groups that this rank has been in.
  package let groups = RankGroups()

  private let world: ThreadWorld

  init(world: ThreadWorld, rank: Int) {
    self.world = world
    self.rank = rank
    self.size = world.size
    journal = world.journals[rank]
  }

  /// Replaces each element by its combination over all ranks. Throws as ``/Engine/Communicator`` says.
  public func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws {
    try wait(startAllReduce(buffer, count: count, dtype: dtype, operation: operation))
  }

  /// Brings this rank's values; the result is written to `buffer` by ``wait(_:)`` or ``test(_:)``. Throws as
  /// ``/Engine/Communicator`` says.
  public func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) throws -> Int {
    try CollectiveArguments.check(reducing: count, dtype: dtype, operation: operation)
    let call = CollectiveCall(.allReduce, count: count, dtype: dtype, operation: operation)
    return try world.post(
      call, rank: rank, data: buffer, bytes: count * dtype.size, target: buffer)
  }

  /// Returns when the all-reduce of `token` is done. Throws as ``/Engine/Communicator`` says.
  public func wait(_ token: Int) throws {
    try world.finish(token, rank: rank) { reduce($0) }
  }

  /// Whether the all-reduce of `token` is done; when all ranks have brought their values, does it. Throws as
  /// ``/Engine/Communicator`` says.
  public func test(_ token: Int) throws -> Bool {
    try world.finishIfReady(token, rank: rank) { reduce($0) }
  }

  /// Combines the copies of all ranks into this rank's buffer.
  private func reduce(_ slot: ThreadSlot) {
    guard let call = slot.call, let target = slot.targets[rank] else { return }
    reduce(slot, 0..<call.count, of: call, into: target)
  }

  /// Combines some elements of the copies of all ranks, piece by piece so that a piece stays in the first cache while the ranks are added
  /// to it.
  private func reduce(
    _ slot: ThreadSlot, _ elements: Range<Int>, of call: CollectiveCall,
    into target: UnsafeMutableRawPointer
  ) {
    let width = call.dtype.size
    let piece = 16 * 1024 / width
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: piece) {
      let length = min(piece, elements.upperBound - start)
      let place = target + (start - elements.lowerBound) * width
      for (other, copy) in slot.copies.enumerated() {
        guard let source = copy.map({ $0 + start * width }) else { continue }
        if other == 0 {
          memcpy(place, source, length * width)
        } else {
          combine(
            source, into: place, count: length, dtype: call.dtype, operation: call.operation)
        }
      }
    }
  }

  /// Copies `count` elements from rank `root` to all others. Throws as ``/Engine/Communicator`` says.
  public func broadcast(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int
  ) throws {
    try CollectiveArguments.check(broadcasting: count, root: root, size: size)
    let bytes = count * dtype.size
    let call = CollectiveCall(.broadcast, count: count, dtype: dtype, root: root)
    let number = try world.post(
      call, rank: rank, data: buffer, bytes: rank == root ? bytes : 0)
    try world.finish(number, rank: rank) { slot in
      if rank != root, let copy = slot.copies[root] { memcpy(buffer, copy, bytes) }
    }
  }

  /// Concatenates what the ranks hold, on every rank. Throws as ``/Engine/Communicator`` says.
  public func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(gathering: counts, size: size)
    let call = CollectiveCall(.allGather, parts: counts, dtype: dtype)
    let number = try world.post(
      call, rank: rank, data: send, bytes: counts[rank] * dtype.size)
    try world.finish(number, rank: rank) { slot in
      var place = into
      for (copy, count) in zip(slot.copies, counts) {
        if let copy { memcpy(place, copy, count * dtype.size) }
        place += count * dtype.size
      }
    }
  }

  /// Adds up in the order of ranks, and gives each rank its part of the sum. Throws as ``/Engine/Communicator`` says.
  public func reduceScatter(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) throws {
    try CollectiveArguments.check(scattering: counts, size: size, dtype: dtype)
    let call = CollectiveCall(.reduceScatter, parts: counts, dtype: dtype)
    let start = counts[..<rank].reduce(0, +)
    let number = try world.post(call, rank: rank, data: send, bytes: call.count * dtype.size)
    try world.finish(number, rank: rank) { slot in
      reduce(slot, start..<start + counts[rank], of: call, into: into)
    }
  }

  /// Returns when every rank has called it. Throws as ``/Engine/Communicator`` says.
  public func barrier() throws {
    let number = try world.post(CollectiveCall(.barrier), rank: rank, data: nil, bytes: 0)
    try world.finish(number, rank: rank) { _ in }
  }

  /// Prints `[rank 3/8] message` and ends the process, and with it every rank.
  public func abort(message: String, code: Int32) -> Never {
    RankReport.print(message, rank: world.members[rank], size: world.run.size)
    exit(code == 0 ? 1 : code)
  }
}

extension ThreadCommunicator: PartibleCommunicator {
  /// The number of the first rank of this rank's node.
  package var node: Int { rank - rank % world.run.perNode }

  /// What joins the ranks of this rank's group; nil when it is in none.
  package func makeGroup(
    of partition: RankPartition, number: Int
  ) throws -> (any Communicator)? {
    guard let members = partition.members(with: rank), let own = members.firstIndex(of: rank)
    else { return nil }
    return ThreadCommunicator(
      world: world.group(members, of: partition, number: number), rank: own)
  }
}
