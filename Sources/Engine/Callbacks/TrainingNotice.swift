import Foundation
import Synchronization
import Tensors

/// Signals by which a scheduler or an operator asks a training to save its state and end: SIGTERM, SIGUSR1 and SIGINT.
///
/// They are caught from ``watch()`` to ``unwatch()``. A second one of a kind ends the process at once.
package enum TrainingNotice {
  /// The signal that came; 0 for none. Written by the handler.
  private static let received = Atomic<Int32>(0)
  private static let watchers = Mutex<(count: Int, before: [sigaction])>((0, []))
  private static let signals = [SIGTERM, SIGUSR1, SIGINT]

  /// The name of the signal that came since the first ``watch()``; nil for none.
  package static var name: String? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: "SIGTERM"
    case SIGUSR1: "SIGUSR1"
    default: "SIGINT"
    }
  }

  /// Begins to catch the signals. Ranks that are threads call it each.
  package static func watch() {
    watchers.withLock { state in
      state.count += 1
      guard state.count == 1 else { return }
      received.store(0, ordering: .relaxed)
      state.before = signals.map { number in
        var action = sigaction()
        var before = sigaction()
        action.__sigaction_handler.sa_handler = {
          TrainingNotice.received.store($0, ordering: .relaxed)
        }
        action.sa_flags = SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(number, nil, &before)
        // What a program ignores, or sees to itself, stays so.
        if before.__sigaction_handler.sa_handler == nil { sigaction(number, &action, nil) }
        return before
      }
    }
  }

  /// Gives the signals back.
  package static func unwatch() {
    watchers.withLock { state in
      state.count -= 1
      guard state.count == 0 else { return }
      for (number, before) in zip(signals, state.before) {
        var before = before
        sigaction(number, &before, nil)
      }
      state.before = []
    }
  }
}
