import Foundation
import Tensors

/// What the threads of a ``ThreadCommunicator`` share: the collectives in flight and who has failed.
///
/// The n-th collective of each rank meets the n-th of the others in a *slot*. A rank brings a copy of
/// its data and posts; when all have posted, each rank takes what it needs from the copies. No rank
/// touches the memory of another, so one that throws and frees its buffers does no harm, and every
/// rank combines the copies in the order of ranks, so all get the same bits at any timing.
///
/// A group of ranks has a world of its own, with slots of its own, and shares the rest with that of all ranks (``ThreadRun``). Ranks
/// count within their world.
///
/// `@unchecked Sendable`: everything mutable, of slots and pools too, is read and written with
/// `condition` locked, which all worlds of a run share, with two exceptions. The bytes of a copy are written by its owner before it
/// posts, when nobody else knows it. And what `take` is given (a slot's `copies`, `bytes` and
/// `targets`, and the bytes) is read without the lock after all have posted and before the reader
/// retires: a slot's lists change only when a rank posts and when the last one has retired.
final class ThreadWorld: @unchecked Sendable {
  let size: Int
  /// What each rank is doing.
  let journals: [RankJournal]
  /// The numbers of the ranks in the run.
  let members: [Int]
  let run: ThreadRun
  private let condition: NSCondition
  /// The worlds of groups, each with the number of its partition.
  private var groups: [(number: Int, world: ThreadWorld)] = []
  /// Collective `n` is in slot `n mod count`; there are more when one rank has more collectives pending than that.
  private var slots: [ThreadSlot]
  private let pools: [CopyPool]
  private var next: [Int]

  /// How long ranks wait, in seconds; nil without end.
  private let limit: Double?

  /// The world of all ranks, `perNode` of which count as those of a node; unless given all.
  convenience init(size: Int, perNode: Int? = nil) throws(DistError) {
    guard size >= 1 else { throw .invalidSize(size) }
    self.init(
      ThreadRun(size: size, perNode: perNode ?? size), members: Array(0..<size),
      journals: (0..<size).map { _ in RankJournal() }, limit: try WaitLimit.seconds())
  }

  private init(_ run: ThreadRun, members: [Int], journals: [RankJournal], limit: Double?) {
    let size = members.count
    self.size = size
    (self.run, self.members, self.journals, self.limit) = (run, members, journals, limit)
    condition = run.condition
    slots = (0..<64).map { _ in ThreadSlot(size: size) }
    pools = (0..<size).map { _ in CopyPool() }
    next = [Int](repeating: 0, count: size)
  }

  /// The world of a group of these ranks, made by the first that asks for it.
  func group(_ members: [Int], of partition: RankPartition, number: Int) -> ThreadWorld {
    condition.lock()
    defer { condition.unlock() }
    if let known = groups.first(where: { $0.number == number && $0.world.members == members }) {
      return known.world
    }
    let journals = members.map {
      self.journals[$0].group(number, of: members, name: partition.name)
    }
    let world = ThreadWorld(run, members: members, journals: journals, limit: limit)
    groups.append((number, world))
    return world
  }

  /// The error of the rank that failed first.
  var firstError: (any Error)? {
    condition.lock()
    defer { condition.unlock() }
    return run.failure?.error
  }

  // MARK: - Posting

  /// Brings `bytes` bytes at `data` of `rank` to its next collective.
  ///
  /// - `target`: where the result of an all-reduce goes when its token is waited for.
  /// - Returns: the number of the collective.
  func post(
    _ call: CollectiveCall, rank: Int, data: UnsafeRawPointer?, bytes: Int,
    target: UnsafeMutableRawPointer? = nil
  ) throws -> Int {
    let entry = journals[rank].entry(journals[rank].begin(call)) ?? .init()
    condition.lock()
    let number: Int
    let slot: ThreadSlot
    let copy: UnsafeMutableRawPointer?
    do {
      defer { condition.unlock() }
      number = next[rank]
      slot = try openSlot(for: entry, number: number, rank: rank)
      next[rank] = number + 1
      copy = bytes > 0 ? pools[rank].take(bytes) : nil
      slot.copies[rank] = copy
      slot.bytes[rank] = bytes
      slot.targets[rank] = target
    }
    // Not locked: until it posts, only this rank knows the copy.
    if let copy, let data { memcpy(copy, data, bytes) }
    condition.lock()
    defer { condition.unlock() }
    slot.hasPosted[rank] = true
    slot.posted += 1
    if slot.posted == size { condition.broadcast() }
    return number
  }

  /// The slot of a collective, entered by the first rank that comes to it. Called with the lock held.
  private func openSlot(
    for entry: RankJournal.Entry, number: Int, rank: Int
  ) throws -> ThreadSlot {
    while true {
      try throwIfFailed(rank)
      let slot = slots[number % slots.count]
      if slot.number == number {
        try compare(entry, with: slot, rank: rank)
        return slot
      }
      if slot.number < 0 {
        slot.open(number: number, entry: entry, rank: rank)
        return slot
      }
      // An older collective is still there. Another rank will finish it, unless it is mine.
      if slot.hasRetired[rank] { condition.wait() } else { addSlots() }
    }
  }

  /// Doubles the slots. Called with the lock held.
  private func addSlots() {
    let open = slots.filter { $0.number >= 0 }
    var free = slots.filter { $0.number < 0 } + slots.map { _ in ThreadSlot(size: size) }
    var places = [ThreadSlot?](repeating: nil, count: 2 * slots.count)
    for slot in open { places[slot.number % places.count] = slot }
    slots = places.map { $0 ?? free.removeLast() }
    condition.broadcast()
  }

  private func compare(_ entry: RankJournal.Entry, with slot: ThreadSlot, rank: Int) throws {
    guard let first = slot.entry, first.call != entry.call else { return }
    let error = DistError.collectivesDiffer(
      CollectiveHolding.list([
        (members[slot.opener], first.call.stableHash, "\(first)"),
        (members[rank], entry.call.stableHash, "\(entry)"),
      ]))
    setFailure(rank, error)
    throw error
  }

  // MARK: - Taking

  /// Waits until every rank has posted collective `number`, lets `take` read the copies, and retires
  /// from it. Does nothing when this rank has retired already.
  func finish(_ number: Int, rank: Int, take: (ThreadSlot) -> Void) throws {
    condition.lock()
    let slot: ThreadSlot
    do {
      defer { condition.unlock() }
      guard let pending = try pendingSlot(number, rank: rank) else { return }
      slot = pending
      journals[rank].wait(for: journals[rank].number(of: number + 1))
      defer { journals[rank].stopWaiting() }
      var end = limit.map(Date.init(timeIntervalSinceNow:)) ?? .distantFuture
      while slot.posted < size {
        try throwIfFailed(rank)
        try throwIfAbandoned(slot)
        try throwIfCrossed(slot, rank)
        if !condition.wait(until: end), let limit, slot.posted < size {
          endUnlessAlone(slot, rank, limit)
          end = Date(timeIntervalSinceNow: limit)
        }
      }
    }
    complete(slot, rank: rank, take: take)
  }

  /// Ends the process, because a thread that never comes cannot be ended, unless one that is missing works alone. Called with the lock held,
  /// after `seconds` seconds.
  private func endUnlessAlone(_ slot: ThreadSlot, _ rank: Int, _ seconds: Double) {
    let missing = (0..<size).filter { !slot.hasPosted[$0] }
    let number = journals[rank].number(of: slot.number + 1)
    let answers = missing.map { (members[$0], PeerStatus(journals[$0], about: number)) }
    guard let entry = slot.entry, !missing.isEmpty, !answers.contains(where: { $0.1.isAlone })
    else {
      return
    }
    let text = WaitReport(journal: journals[rank]).verdict(
      entry, answers.map { ($0, .status($1)) }, seconds: seconds)
    RankReport.print(text, watchOf: members[rank], size: run.size)
    exit(1)
  }

  /// As ``finish(_:rank:take:)`` when every rank has posted; otherwise `false`.
  func finishIfReady(_ number: Int, rank: Int, take: (ThreadSlot) -> Void) throws -> Bool {
    condition.lock()
    let slot: ThreadSlot
    do {
      defer { condition.unlock() }
      guard let pending = try pendingSlot(number, rank: rank) else { return true }
      slot = pending
      if slot.posted < size {
        try throwIfFailed(rank)
        try throwIfAbandoned(slot)
        return false
      }
    }
    complete(slot, rank: rank, take: take)
    return true
  }

  /// The slot of a collective from which this rank has not retired. Called with the lock held.
  private func pendingSlot(_ number: Int, rank: Int) throws -> ThreadSlot? {
    guard number >= 0 && number < next[rank] else { throw DistError.unknownToken(number) }
    let slot = slots[number % slots.count]
    return slot.number == number && !slot.hasRetired[rank] ? slot : nil
  }

  private func complete(_ slot: ThreadSlot, rank: Int, take: (ThreadSlot) -> Void) {
    // Not locked: all have posted, and the copies stay until this rank retires.
    take(slot)
    condition.lock()
    defer { condition.unlock() }
    retire(rank, from: slot)
  }

  /// Called with the lock held.
  private func retire(_ rank: Int, from slot: ThreadSlot) {
    slot.hasRetired[rank] = true
    slot.retired += 1
    guard slot.retired == size else { return }
    for owner in 0..<size {
      if let copy = slot.copies[owner] { pools[owner].give(copy, bytes: slot.bytes[owner]) }
    }
    slot.close()
    condition.broadcast()
  }

  // MARK: - Ends

  /// Tells the others that `rank` threw: whoever waits for it throws as well.
  func fail(_ rank: Int, _ error: any Error) {
    condition.lock()
    defer { condition.unlock() }
    setFailure(rank, error)
  }

  /// Tells the others that `rank` makes no more collectives.
  func leave(_ rank: Int) {
    condition.lock()
    defer { condition.unlock() }
    run.hasReturned[rank] = true
    retireFromAll(rank)
    for (_, world) in groups {
      if let own = world.members.firstIndex(of: rank) { world.retireFromAll(own) }
    }
    condition.broadcast()
  }

  /// Called with the lock held.
  private func retireFromAll(_ rank: Int) {
    for slot in slots where slot.number >= 0 && slot.hasPosted[rank] && !slot.hasRetired[rank] {
      retire(rank, from: slot)
    }
  }

  /// Called with the lock held. Errors after the first are consequences.
  private func setFailure(_ rank: Int, _ error: any Error) {
    if run.failure == nil { run.failure = (members[rank], error) }
    condition.broadcast()
  }

  /// Called with the lock held.
  private func throwIfFailed(_ rank: Int) throws {
    guard let failure = run.failure else { return }
    // What every rank did wrong together is thrown as it is.
    switch failure.error {
    case DistError.collectivesDiffer, DistError.peerReturned: throw failure.error
    default: throw DistError.peerFailed(rank: failure.rank, message: "\(failure.error)")
    }
  }

  /// Called with the lock held: throws when a rank that has returned will never post.
  private func throwIfAbandoned(_ slot: ThreadSlot) throws {
    let gone = members.indices.first { run.hasReturned[members[$0]] && !slot.hasPosted[$0] }
    guard let gone, let entry = slot.entry else { return }
    let error = DistError.peerReturned(rank: members[gone], call: "\(entry)")
    setFailure(gone, error)
    throw error
  }

  /// Called with the lock held: throws when a rank that has not posted waits itself, in another group, for this one, which waits here.
  private func throwIfCrossed(_ slot: ThreadSlot, _ rank: Int) throws {
    guard let own = slot.entry else { return }
    for other in 0..<size where !slot.hasPosted[other] {
      let number = journals[other].snapshot.waitingFor
      let isAwaited =
        journals[other].members(inSequenceOf: number)?.contains(members[rank]) ?? true
      guard let entry = journals[other].entry(number), isAwaited,
        journals[rank].begun(inSequenceOf: number) < number
      else { continue }
      let error = DistError.collectivesDiffer(
        CollectiveHolding.list([
          (members[rank], own.call.stableHash, "\(own)"),
          (members[other], entry.call.stableHash, "\(entry)"),
        ]))
      setFailure(rank, error)
      throw error
    }
  }
}

/// What the worlds of a run have in common.
///
/// `@unchecked Sendable`: read and written with `condition` locked.
final class ThreadRun: @unchecked Sendable {
  /// The number of all ranks.
  let size: Int
  /// How many of them count as those of a node.
  let perNode: Int
  let condition = NSCondition()
  /// Whether a rank makes no more collectives.
  var hasReturned: [Bool]
  /// The rank that failed first.
  var failure: (rank: Int, error: any Error)?

  init(size: Int, perNode: Int) {
    (self.size, self.perNode) = (size, perNode)
    hasReturned = [Bool](repeating: false, count: size)
  }
}
