import Engine

/// Ends the training with an error when a loss or weight is no finite number, and keeps the weights of the last good epoch
/// in a file.
final class FiniteTraining: Callback, StatefulCallback {
  private let weights: String
  private var epoch = 0
  private var goodEpoch: Int?

  /// - Parameter weights: the file.
  init(weights: String) { self.weights = weights }

  private var trained: Model? { model as? Model }

  override func onEpochBegin(_ epoch: Int, logs: Logs) { self.epoch = epoch }

  override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    guard let model = trained else { return }
    for (name, value) in logs where name.hasSuffix("loss") && !value.isFinite {
      throw error("\(name) was not a finite number", step: nil)
    }
    guard model.hasFiniteWeights else {
      throw error("the weights were not finite numbers", step: nil)
    }
    try model.saveWeights(to: weights)
    goodEpoch = epoch
  }

  func savedState() -> Int? { goodEpoch }

  func restore(_ state: Int?) { goodEpoch = state }

  /// An error of training, with what this command can do about a step that has met numbers that are not finite.
  func explained(_ error: EngineError) -> any Error {
    guard case .notFinite(let step) = error.problem else { return error }
    return self.error(step.what, step: step.step + 1)
  }

  private func error(_ what: String, step: Int?) -> LauncherError {
    let kept =
      goodEpoch.map { "\(weights) has the weights of epoch \($0 + 1), the last good one" }
      ?? "no epoch was good, so no weights were saved"
    return .diverged(
      what: what, epoch: epoch + 1, step: step,
      advice: "try a smaller --learning-rate (\(kept))")
  }
}
