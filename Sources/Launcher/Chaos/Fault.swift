import Engine

/// One harm that is done to a training.
struct Fault: Sendable, Equatable {
  /// What can be done.
  enum Kind: String, Sendable, CaseIterable {
    /// A rank is killed.
    case kill
    /// A rank is stopped and never goes on: whoever started it must see that.
    case stop
    /// A rank is stopped for a moment.
    case delay
    /// The command is told that its time is up, and started again when it has ended.
    case notice
    /// mpirun, or what else started the ranks, is killed.
    case mpirun
    /// The command itself is killed, and started again.
    case launcher
    /// The disk is full for a moment.
    case disk
    /// The command is killed, and a bit of its newest state turned over before it is started again.
    case flip
  }

  var kind: Kind
  /// When, as a part of the whole training: 0 ..< 1.
  var moment: Double
  /// Draws what else is random: the rank, the signal, the file and bit.
  var draw: UInt64
  /// How long a delay or a full disk lasts, in seconds.
  var seconds: Double

  /// Whether the command ends by this fault even if nothing goes wrong, and has to be started again.
  var endsCommand: Bool {
    switch kind {
    case .notice, .launcher, .flip: true
    case .kill, .stop, .delay, .mpirun, .disk: false
    }
  }

  /// Whether ranks live through it.
  var sparesRanks: Bool { kind == .delay || kind == .disk }

  /// A number that is the same at every call.
  ///
  /// - Parameters:
  ///   - use: what it is for; other uses draw other numbers.
  ///   - count: how many numbers there are to choose from.
  /// - Returns: a number in 0 ..< `count`.
  func choice(_ use: UInt64, of count: Int) -> Int {
    var generator = SplitMix64(state: draw &+ use)
    return count < 2 ? 0 : Int(generator.next(below: UInt64(count)))
  }
}

/// The faults of a run, in the order of their moments: a pure function of seed, number and kinds.
struct FaultSchedule: Sendable {
  let faults: [Fault]

  /// - Parameters:
  ///   - seed: draws all that is random.
  ///   - count: how many faults.
  ///   - kinds: each occurs as often as the others, or once more; at least one.
  init(seed: UInt64, count: Int, kinds: [Fault.Kind]) {
    var generator = SplitMix64(state: SplitMix64.mixed(seed))
    var order: [Fault.Kind] = []
    while order.count < count, !kinds.isEmpty { order += kinds.shuffled(using: &generator) }
    // Not in the first moments, when there is nothing to lose, nor when all is nearly done.
    let moments = order.prefix(count)
      .map { _ in Double.random(in: 0.02..<0.95, using: &generator) }.sorted()
    faults = zip(order, moments).map { kind, moment in
      Fault(
        kind: kind, moment: moment, draw: generator.next(),
        seconds: Double.random(in: 0.3..<1.5, using: &generator))
    }
  }
}
