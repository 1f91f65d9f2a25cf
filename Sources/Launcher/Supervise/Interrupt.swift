import Foundation

/// What signals have asked of the launcher.
struct Interrupt: Equatable, Sendable {
  /// The first signal; nil when there was none.
  var signal: Int32?

  /// Whether `number` says that it is to be at once: Ctrl-C for the second time.
  func isAgain(_ number: Int32) -> Bool { number == SIGINT && signal != nil }
}
