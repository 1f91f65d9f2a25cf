import Foundation
import Synchronization

/// What a rank is doing and which collectives it has taken part in: always on, so that a rank that others wait for can be found.
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
    /// Its place in the sequence of this rank, from 1.
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
    /// How many collectives the rank has begun.
    package var begun = 0
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

  private struct State {
    var entries = ContiguousArray(repeating: Entry(), count: RankJournal.length)
    var snapshot = Snapshot()
    var label = CollectiveLabel.none
    var aloneDepth = 0
    /// Where others can read the place, also when this process has been killed.
    var mirror: Mirror?
  }

  /// Memory for the epoch and the step, counted from 1.
  ///
  /// `@unchecked Sendable`: written with the journal's lock held, and never freed.
  private struct Mirror: @unchecked Sendable {
    let memory: UnsafeMutablePointer<Int64>

    func show(_ place: Place) {
      memory[0] = Int64(place.epoch + 1)
      memory[1] = Int64(place.step + 1)
    }
  }

  /// How many of the last collectives are kept.
  package static let length = 256

  private let state = Mutex(State())

  /// An empty journal.
  public init() {}

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
    return state.withLock { state in
      state.snapshot.begun += 1
      let number = state.snapshot.begun
      var call = call
      if call.label == .none { call.label = state.label }
      state.entries[number % Self.length].set(number, call, state.snapshot.place, now)
      return number
    }
  }

  /// Notes that the rank waits for a collective.
  package func wait(for number: Int) {
    let now = Self.now
    state.withLock { state in
      state.snapshot.waitingFor = number
      state.snapshot.waitingSince = now
    }
  }

  /// Notes that it waits no longer.
  package func stopWaiting() {
    let now = Self.now
    state.withLock { state in
      state.snapshot.waitingFor = 0
      state.snapshot.returned = now
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
    let outer = state.withLock { state in
      defer { state.label = label }
      return state.label
    }
    defer { state.withLock { $0.label = outer } }
    return try body()
  }

  /// Notes where the rank is.
  package func enter(_ place: Place) {
    state.withLock { state in
      state.snapshot.place = place
      state.mirror?.show(place)
    }
  }

  /// Notes the step of the epoch.
  package func enter(step: Int) {
    state.withLock { state in
      state.snapshot.place.step = step
      state.mirror?.show(state.snapshot.place)
    }
  }

  /// Shows the place from now on in memory for two numbers, which must stay there.
  package func mirror(in memory: UnsafeMutablePointer<Int64>) {
    let mirror = Mirror(memory: memory)
    state.withLock { $0.mirror = mirror }
  }

  /// Notes that the rank works by itself while `body` runs.
  package func alone<R>(_ body: () throws -> R) rethrows -> R {
    let now = Self.now
    state.withLock { state in
      if state.aloneDepth == 0 { state.snapshot.aloneSince = now }
      state.aloneDepth += 1
    }
    defer {
      state.withLock { state in
        state.aloneDepth -= 1
        if state.aloneDepth == 0 { state.snapshot.aloneSince = nil }
      }
    }
    return try body()
  }

  // MARK: - Reading

  /// What the journal says now.
  package var snapshot: Snapshot { state.withLock { $0.snapshot } }

  /// The collective with a number, as long as it is kept.
  package func entry(_ number: Int) -> Entry? {
    state.withLock { state in
      let entry = state.entries[number % Self.length]
      return number > 0 && entry.number == number ? entry : nil
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
  /// Names the collectives that `body` makes, for errors between ranks.
  package func named<R>(_ label: String, _ body: () throws -> R) rethrows -> R {
    guard let journal else { return try body() }
    return try journal.named(CollectiveLabel(label), body)
  }
}
