import Foundation
import Synchronization

/// What a rank is doing and which collectives it has taken part in: always on, so that a rank that others wait for can be found.
///
/// Collectives of a group of ranks have a sequence of their own, and a journal of the group writes them (`group(_:of:name:)`). The number
/// of a collective holds the number of its sequence above `groupShift` bits: 0 is that of all ranks.
///
/// The rank's own threads write, others read: all under one lock, which is held for some nanoseconds. Writing allocates nothing.
public final class RankJournal: Sendable {
  /// Where in a training a rank is.
  package struct Place: Sendable {
    /// `fit`, `evaluate`, ...
    package var activity = CollectiveLabel.none
    /// Counted from 0; negative where there is none.
    package var epoch = -1
    /// Counted from 0; negative where there is none.
    package var step = -1

    /// Nowhere.
    package init() {}
  }

  /// A collective that the rank has begun.
  package struct Entry: Sendable {
    /// Its place in its sequence, from 1, and above that the number of the sequence.
    package var number = 0
    package var call = CollectiveCall(.barrier)
    package var place = Place()
    /// When, by ``RankJournal/now``.
    package var begun: UInt64 = 0

    package init() {}

    fileprivate mutating func set(
      _ number: Int, _ call: CollectiveCall, _ place: Place, _ begun: UInt64
    ) {
      (self.number, self.call, self.place, self.begun) = (number, call, place, begun)
    }
  }

  /// What a journal says at one moment.
  package struct Snapshot: Sendable {
    /// The number of the last collective that the rank has begun in the journal's sequence.
    package var begun = 0
    /// That of the last one in any sequence.
    package var last = 0
    /// The number of the one that it waits for; 0 for none.
    package var waitingFor = 0
    /// Since when, by ``RankJournal/now``.
    package var waitingSince: UInt64 = 0
    /// When it last stopped waiting, or began to be watched.
    package var returned = RankJournal.now
    package var place = Place()
    /// Since when it has been working inside `alone { }`; nil outside.
    package var aloneSince: UInt64?
  }

  /// The collectives of all ranks, or of a group.
  private struct CallSequence {
    var entries = ContiguousArray(repeating: Entry(), count: RankJournal.length)
    /// The number of the last one.
    var begun: Int
    let group: CollectiveLabel
    let members: [Int]?

    /// - Returns: the number of the collective.
    mutating func begin(
      _ call: CollectiveCall, _ label: CollectiveLabel, _ place: Place, _ now: UInt64
    ) -> Int {
      var call = call
      if call.label == .none { call.label = label }
      call.group = group
      if let members, call.kind == .broadcast { call.root = members[call.root] }
      begun += 1
      entries[begun % RankJournal.length].set(begun, call, place, now)
      return begun
    }

    func entry(_ number: Int) -> Entry? {
      let entry = entries[number % RankJournal.length]
      return entry.number == number ? entry : nil
    }
  }

  private struct State {
    /// By number; nil for groups of others.
    var sequences: [CallSequence?] = []
    var snapshot = Snapshot()
    var label = CollectiveLabel.none
    var aloneDepth = 0
    /// Where others can read the place, also when this process has been killed.
    var mirror: RankMirror?
    var handlesNotice = false
  }

  /// What the journals of one rank share.
  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  /// How many of the last collectives of a sequence are kept.
  package static let length = 256

  private static let groupShift = 40

  /// The ranks whose collectives it writes, by their numbers in the run; nil for all.
  package let members: [Int]?
  private let shared: Shared
  private let sequence: Int

  /// An empty journal.
  public convenience init() { self.init(Shared(), sequence: 0, group: .none, members: nil) }

  private init(_ shared: Shared, sequence: Int, group: CollectiveLabel, members: [Int]?) {
    (self.shared, self.sequence, self.members) = (shared, sequence, members)
    shared.state.withLock { state in
      while state.sequences.count <= sequence { state.sequences.append(nil) }
      state.sequences[sequence] = CallSequence(
        begun: sequence << Self.groupShift, group: group, members: members)
    }
  }

  /// The journal of a group that this rank is in, which goes on in this one: what waits, and where the rank is, they share.
  ///
  /// - Parameters:
  ///   - sequence: the number of its sequence, from 1, the same on all of its ranks.
  ///   - members: the numbers of its ranks in the run, in increasing order.
  ///   - name: what kind of group it is: `.node`.
  /// - Returns: an empty journal.
  package func group(_ sequence: Int, of members: [Int], name: String) -> RankJournal {
    let text = "\(EngineError.Holding.name(ranks: members)) (\(name))"
    return RankJournal(shared, sequence: sequence, group: CollectiveLabel(text), members: members)
  }

  /// The number of the collective in a place of this journal's sequence, from 1.
  package func number(of place: Int) -> Int { sequence << Self.groupShift | place }

  /// The place of a collective in its sequence, from 1.
  package static func place(of number: Int) -> Int { number & (1 << groupShift - 1) }

  /// Nanoseconds of the monotonic clock.
  package static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  // MARK: - Writing

  /// Notes that a collective begins.
  ///
  /// - Returns: its number.
  package func begin(_ call: CollectiveCall) -> Int {
    let now = Self.now
    return shared.state.withLock { state in
      let place = state.snapshot.place
      let label = state.label
      let number = state.sequences[sequence]?.begin(call, label, place, now) ?? 0
      state.snapshot.last = number
      state.mirror?.set(.progress, Int(now))
      return number
    }
  }

  /// Notes that the rank waits for a collective.
  package func wait(for number: Int) {
    let now = Self.now
    shared.state.withLock { state in
      state.snapshot.waitingFor = number
      state.snapshot.waitingSince = now
      state.mirror?.set(.waitingSince, Int(now))
    }
  }

  /// Notes that it waits no longer.
  package func stopWaiting() {
    let now = Self.now
    shared.state.withLock { state in
      state.snapshot.waitingFor = 0
      state.snapshot.returned = now
      state.mirror?.set(.waitingSince, 0)
      state.mirror?.set(.progress, Int(now))
    }
  }

  /// Notes a collective that is over when `body` returns.
  package func record<R: ~Copyable, E: Error>(
    _ call: CollectiveCall, _ body: (Int) throws(E) -> R
  ) throws(E) -> R {
    let number = begin(call)
    wait(for: number)
    defer { stopWaiting() }
    return try body(number)
  }

  /// The label of the collectives that `body` begins, where they have none of their own.
  package func named<R, E: Error>(
    _ label: CollectiveLabel, _ body: () throws(E) -> R
  ) throws(E) -> R {
    let outer = shared.state.withLock { state in
      defer { state.label = label }
      return state.label
    }
    defer { shared.state.withLock { $0.label = outer } }
    return try body()
  }

  /// Notes where the rank is.
  package func enter(_ place: Place) {
    let now = Self.now
    shared.state.withLock { state in
      state.snapshot.place = place
      state.mirror?.show(place, now)
    }
  }

  /// Notes the step of the epoch.
  package func enter(step: Int) {
    let now = Self.now
    shared.state.withLock { state in
      state.snapshot.place.step = step
      state.mirror?.show(state.snapshot.place, now)
      if state.snapshot.place.epoch >= 0 { state.mirror?.count(state.snapshot.place) }
    }
  }

  /// Says whether this rank saves its state and ends when it gets a notice, a signal SIGUSR1 or SIGTERM: its launcher then gives it time to.
  package func setHandlesNotice(_ handles: Bool) {
    shared.state.withLock { state in
      state.handlesNotice = handles
      state.mirror?.set(.handlesNotice, handles ? 1 : 0)
    }
  }

  /// Shows from now on in `mirror` where the rank is.
  package func show(in mirror: RankMirror) {
    let now = Self.now
    shared.state.withLock { state in
      state.mirror = mirror
      mirror.show(state.snapshot.place, now)
      mirror.set(.handlesNotice, state.handlesNotice ? 1 : 0)
    }
  }

  /// Notes that the rank works by itself while `body` runs.
  package func alone<R>(_ body: () throws -> R) rethrows -> R {
    let now = Self.now
    shared.state.withLock { state in
      if state.aloneDepth == 0 {
        state.snapshot.aloneSince = now
        state.mirror?.set(.isAlone, 1)
      }
      state.aloneDepth += 1
    }
    defer {
      shared.state.withLock { state in
        state.aloneDepth -= 1
        if state.aloneDepth == 0 {
          state.snapshot.aloneSince = nil
          state.mirror?.set(.isAlone, 0)
        }
      }
    }
    return try body()
  }

  // MARK: - Reading

  /// What the journal says now.
  package var snapshot: Snapshot {
    shared.state.withLock { state in
      var snapshot = state.snapshot
      snapshot.begun = state.sequences[sequence]?.begun ?? 0
      return snapshot
    }
  }

  /// The collective with a number, of any sequence, as long as it is kept.
  package func entry(_ number: Int) -> Entry? {
    number > 0 ? read(number) { $0.entry(number) } : nil
  }

  /// The number of the last collective that the rank has begun in the sequence of the one with a number; 0 where it knows none.
  package func begun(inSequenceOf number: Int) -> Int { read(number) { $0.begun } ?? 0 }

  /// The ranks that meet in the collective with a number, by their numbers in the run; nil for all.
  package func members(inSequenceOf number: Int) -> [Int]? { read(number) { $0.members } }

  /// The ranks besides `rank` that meet in the collective with a number, of a run of `size` ranks.
  package func others(inSequenceOf number: Int, size: Int, rank: Int) -> [Int] {
    (members(inSequenceOf: number) ?? Array(0..<size)).filter { $0 != rank }
  }

  /// Whether the rank is one of those that a collective waits for: it meets in it, and has not begun it.
  package func isMissing(in number: Int) -> Bool {
    read(number) { $0.begun < number } ?? false
  }

  private func read<R: Sendable>(_ number: Int, _ body: (CallSequence) -> R?) -> R? {
    let index = number >> Self.groupShift
    return shared.state.withLock { state in
      state.sequences.indices.contains(index) ? state.sequences[index].flatMap(body) : nil
    }
  }
}

extension RankJournal.Place: CustomStringConvertible {
  /// `fit, epoch 2, step 17`, counted from 1; empty where nothing is known.
  package var description: String {
    var parts = activity == .none ? [] : [activity.text]
    if epoch >= 0 { parts.append("epoch \(epoch + 1)") }
    if step >= 0 { parts.append("step \(step + 1)") }
    return parts.joined(separator: ", ")
  }
}

extension RankJournal.Entry: CustomStringConvertible {
  /// The collective and where it was begun.
  package var description: String {
    let place = place.description
    if place.isEmpty { return "\(call)" }
    // What ranks meet in at the end is no part of what they did last.
    return call.kind == .end ? "\(call), after \(place)" : "\(call) in \(place)"
  }
}

extension Communicator {
  /// The number in the run of one of these ranks.
  package func numberInRun(of rank: Int) -> Int { journal?.members?[rank] ?? rank }

  /// Names the collectives that `body` makes, for errors between ranks.
  package func named<R>(_ label: String, _ body: () throws -> R) rethrows -> R {
    guard let journal else { return try body() }
    return try journal.named(CollectiveLabel(label), body)
  }
}
