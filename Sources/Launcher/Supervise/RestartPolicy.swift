/// Whether a job that has ended is started again: a function of how its attempts ended, one after the other.
package struct RestartPolicy: Sendable {
  /// How an attempt ended.
  package struct Attempt: Sendable {
    /// nil when nothing failed.
    package var cause: RootCause?
    /// Whether all ranks have ended in order.
    package var isComplete = false
    /// Whether a rank's program has been started.
    package var hasStarted = true
    /// Whether ranks have saved their state on a notice, and ended with exit code 75.
    package var isSaved = false
    /// The signal that asked the launcher to end.
    package var signal: Int32?
    /// Whether it is known to be a program of Apus, whose steps can be seen.
    package var isApus = false
    /// How many steps the rank that made the most of them has begun.
    package var steps = 0
    /// Where the rank was that came furthest.
    package var furthest = Progress()
    /// How long it lasted.
    package var seconds = 0.0

    /// An attempt of which nothing is known.
    package init() {}
  }

  /// A place in a training, counted from 1; zeros where there was none.
  package struct Progress: Comparable, Sendable {
    package var epoch = 0
    package var step = 0

    package init(epoch: Int = 0, step: Int = 0) { (self.epoch, self.step) = (epoch, step) }

    package static func < (a: Self, b: Self) -> Bool { (a.epoch, a.step) < (b.epoch, b.step) }
  }

  /// What comes next.
  package enum Decision: Equatable, Sendable {
    /// The launcher ends; `reason` says why a failed job is not started again, where that needs words.
    case end(code: Int32, reason: String?)
    /// The number of the restart, from 1.
    case restart(Int)
  }

  /// The exit code of ranks that have saved their state on a notice, and of a launcher whose ranks have: EX_TEMPFAIL.
  package static let savedCode = RankParent.savedCode
  /// Attempts without a new step, one after the other, after which another one is of no use.
  package static let futile = 3

  /// Seconds within which a program begins to train.
  package static let start = 60.0

  private let maxRestarts: Int
  private var restarts = 0
  private var furthest = Progress()
  private var hasSeenStep = false
  private var attemptsWithoutProgress = 0
  private var firstCause: RootCause?

  package init(maxRestarts: Int) { self.maxRestarts = maxRestarts }

  /// What comes after an attempt.
  package mutating func decide(after attempt: Attempt) -> Decision {
    if attempt.isSaved { return .end(code: Self.savedCode, reason: nil) }
    if let signal = attempt.signal, !attempt.isComplete {
      return .end(code: 128 + signal, reason: nil)
    }
    guard let cause = attempt.cause else { return .end(code: 0, reason: nil) }
    if firstCause == nil { firstCause = cause }
    let code = (firstCause ?? cause).exitCode
    guard maxRestarts > 0 else { return .end(code: code, reason: nil) }
    if let reason = hopeless(cause, attempt) { return .end(code: code, reason: reason) }
    if attempt.steps > 0 || hasSeenStep {
      let isFurther = attempt.furthest > furthest || !hasSeenStep && attempt.steps > 0
      attemptsWithoutProgress = isFurther ? 0 : attemptsWithoutProgress + 1
      hasSeenStep = hasSeenStep || attempt.steps > 0
      furthest = max(furthest, attempt.furthest)
    }
    guard restarts < maxRestarts else {
      return .end(code: code, reason: "no restart is left of \(maxRestarts)")
    }
    guard attemptsWithoutProgress < Self.futile else {
      return .end(
        code: code,
        reason: "not restarted: \(Self.futile) attempts, one after the other, made no new step")
    }
    restarts += 1
    return .restart(restarts)
  }

  /// Why no restart can help.
  private func hopeless(_ cause: RootCause, _ attempt: Attempt) -> String? {
    if case .launcherEnded(let name, let end) = cause, end.signal == nil, !attempt.hasStarted {
      return "not restarted: \(name) could not start the ranks"
    }
    guard case .ended(_, let end) = cause else { return nil }
    switch end.exitCode {
    case 2, 64: return "not restarted: exit code \(end.code) says that the command is wrong"
    case 126, 127: return "not restarted: the program cannot be started"
    default: break
    }
    // Signals that the program's own fault raises; others come from outside.
    let isOwnFault = end.signal.map { [4, 5, 6, 7, 8, 11].contains($0) } ?? true
    // A loop of its own shows no steps: it has begun long before.
    let isAtStart = attempt.steps == 0 && attempt.seconds < Self.start
    guard isOwnFault, restarts == 0, isAtStart, attempt.isApus else { return nil }
    return "not restarted: it failed before its first step, which is likely an error of the program"
  }
}
