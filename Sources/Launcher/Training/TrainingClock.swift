import Engine

/// The time spent on training steps: from the begin of each epoch to its last step, without validation.
final class TrainingClock: Callback, StatefulCallback {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant?
  private var total = Duration.zero

  /// Seconds so far.
  var seconds: Double { total / .seconds(1) }

  override func onEpochBegin(_ epoch: Int, logs: Logs) { start = clock.now }

  override func onTestBegin(logs: Logs) { stop() }

  override func onEpochEnd(_ epoch: Int, logs: inout Logs) { stop() }

  func savedState() -> Double { seconds }

  func restore(_ state: Double) { total = .seconds(state) }

  private func stop() {
    if let start { total += clock.now - start }
    start = nil
  }
}
