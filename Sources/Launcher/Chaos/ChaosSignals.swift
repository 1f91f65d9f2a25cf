import Foundation
import Synchronization

/// Signals that tell this process to end: it does so when it has ended what it started.
enum ChaosSignals {
  private static let asked = Atomic(false)

  /// Whether one has come.
  static var isAsked: Bool { asked.load(ordering: .relaxed) }

  /// Notes them from now on.
  static func install() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { _ in ChaosSignals.asked.store(true, ordering: .relaxed) }
    }
  }
}
