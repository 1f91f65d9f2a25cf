import Engine

// snippet: callback
/// Prints ten times an epoch how much of it is done, and the loss so far.
final class Percent: Callback {
  /// Logs are read ten times an epoch: reading them at every step would hold the steps up.
  override func batchLogStride(steps: Int?) -> Int { max(1, (steps ?? 100) / 10) }

  override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    guard let loss = logs["loss"], let steps = parameters.steps, let model, model.isChief
    else { return }
    output.line("\(100 * (step + 1) / steps) %: \(loss)")
  }
}
// end
