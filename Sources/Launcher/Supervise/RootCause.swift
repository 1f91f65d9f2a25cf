import Engine

/// Why a job failed: what happened first, and not what came of it.
package enum RootCause: Equatable, Sendable {
  /// A rank's program failed.
  case ended(rank: Int, ExitStatus)
  /// A rank ended as if all were well, and the others go on without it.
  case leftEarly(rank: Int)
  /// A signal has stopped a rank.
  case stopped(rank: Int, seconds: Double)
  /// Ranks stay in one step; the others, if any, wait for them.
  case stuck(ranks: [Int], seconds: Double)
  /// All ranks wait for each other.
  case silent(seconds: Double)
  /// Ranks do not join the others.
  case notJoined(ranks: [Int], seconds: Double)
  /// A machine does not answer any more.
  case lost(host: String)
  /// mpirun or srun itself ended.
  case launcherEnded(name: String, ExitStatus)

  /// The rank that it is about, as far as it is one.
  package var rank: Int? {
    switch self {
    case .ended(let rank, _), .leftEarly(let rank), .stopped(let rank, _): rank
    case .stuck(let ranks, _), .notJoined(let ranks, _): ranks.first
    case .silent, .lost, .launcherEnded: nil
    }
  }

  /// The exit code of a launcher that gives up because of it.
  package var exitCode: Int32 {
    switch self {
    case .ended(_, let end): end.code == 0 ? 1 : end.code
    case .launcherEnded(_, let end): end.code == 0 ? 1 : end.code
    case .leftEarly, .stopped, .stuck, .silent, .notJoined, .lost: 1
    }
  }

  /// What happened, without where and when: `rank 2 was ended by signal 9 (Killed)`.
  ///
  /// - Parameter host: the machine of a rank; nil where it is not known.
  /// - Returns: words without a break.
  package func text(host: (Int) -> String?) -> String {
    func name(_ rank: Int) -> String { "rank \(rank)" + (host(rank).map { " on \($0)" } ?? "") }
    switch self {
    case .ended(let rank, let end): return "\(name(rank)) \(end.text)"
    case .leftEarly(let rank):
      return "\(name(rank)) returned early: it ended with exit code 0 while other ranks go on"
    case .stopped(let rank, let seconds):
      return "\(name(rank)) has been stopped by a signal (SIGSTOP) for \(Self.text(seconds))"
    case .stuck(let ranks, let seconds):
      let subject = ranks.count == 1 ? name(ranks[0]) : EngineError.Holding.name(ranks: ranks)
      return "\(subject) made no progress for \(Self.text(seconds))"
    case .silent(let seconds):
      return "all ranks have waited for each other for \(Self.text(seconds))"
    case .notJoined(let ranks, let seconds):
      let subject = ranks.count == 1 ? name(ranks[0]) : EngineError.Holding.name(ranks: ranks)
      return "\(subject) did not join the other ranks, which have waited for \(Self.text(seconds))"
    case .lost(let host): return "\(host) does not answer any more"
    case .launcherEnded(let name, let end): return "\(name) \(end.text)"
    }
  }

  private static func text(_ seconds: Double) -> String {
    seconds < 180 ? "\(Int(seconds)) s" : "\(Int(seconds / 60)) min"
  }
}
