import Foundation

/// What signals have asked of the launcher.
struct Interrupt: Equatable, Sendable {
  /// The first signal; nil when there was none.
  var signal: Int32?

  /// Whether `number` says that it is to be at once: Ctrl-C for the second time.
  func isAgain(_ number: Int32) -> Bool { number == SIGINT && signal != nil }
}

/// Variables that tell a rank of restarts.
enum RestartVariables {
  /// How often the job has been started again: 0 at first.
  static let count = "APUS_RESTART"
  /// Whether the job is not started again after this attempt, however that ends: 1 or 0.
  static let isLast = "APUS_RANK_LAST"
}
