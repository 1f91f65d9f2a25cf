import Foundation
import Synchronization
import Tensors

/// Signals by which a scheduler or an operator asks a training to save its state and end: SIGTERM, SIGUSR1 and SIGINT.
///
/// They are caught from ``watch()`` to ``unwatch(isInterrupted:)``, and when one has ended the training, until the next one: a batch system, mpirun and a launcher each pass one on, and the same notice
/// must not kill a rank that is about to end. One that comes too late for a training, in its last epoch, is for the next one. A second SIGINT ends the process at once.
package enum TrainingNotice {
  /// The signal that came; 0 for none. Written by the handler.
  private static let received = Atomic<Int32>(0)
  private static let watchers = Mutex(Watchers())
  private static let signals = [SIGTERM, SIGUSR1, SIGINT]

  private struct Watchers {
    var count = 0
    /// What was in the place of the handlers.
    var before: [sigaction] = []
    var isInterrupted = false
  }

  /// The name of the signal that came and for which no training has ended; nil for none.
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
      if state.before.isEmpty {
        state.before = signals.map { number in
          var before = sigaction()
          sigaction(number, nil, &before)
          return before
        }
      }
      // What a program ignores, or sees to itself, stays so.
      for (number, before) in zip(signals, state.before)
      where before.__sigaction_handler.sa_handler == nil {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = {
          TrainingNotice.received.store($0, ordering: .relaxed)
        }
        action.sa_flags =
          SA_RESTART | (number == SIGINT ? Int32(bitPattern: UInt32(SA_RESETHAND)) : 0)
        sigaction(number, &action, nil)
      }
    }
  }

  /// Gives the signals back; those of a scheduler only unless one has ended the training (`isInterrupted`).
  package static func unwatch(isInterrupted: Bool) {
    watchers.withLock { state in
      state.count -= 1
      state.isInterrupted = state.isInterrupted || isInterrupted
      guard state.count == 0 else { return }
      for (number, before) in zip(signals, state.before)
      where !state.isInterrupted || number == SIGINT {
        var before = before
        sigaction(number, &before, nil)
      }
      if state.isInterrupted {
        received.store(0, ordering: .relaxed)
      } else {
        state.before = []
      }
      state.isInterrupted = false
    }
  }
}
