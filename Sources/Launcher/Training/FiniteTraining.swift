import Engine

/// Ends the training with an error when the loss is no finite number, and keeps the weights of the last good epoch in a
/// file.
final class FiniteTraining: Callback {
  /// Ranks compare notes after every so many steps: each sees only its own part of a batch.
  private static let interval = 32

  private let weights: String
  private var epoch = 0
  private var badStep: Int64?
  private var goodEpoch: Int?

  /// - Parameter weights: the file.
  init(weights: String) { self.weights = weights }

  private var trained: Model? { model as? Model }

  override func onEpochBegin(_ epoch: Int, logs: Logs) {
    self.epoch = epoch
    badStep = nil
  }

  override func onTrainBatchEnd(_ step: Int, logs: Logs) throws {
    guard let model = trained else { return }
    if badStep == nil, !model.hasFiniteLoss { badStep = Int64(step) }
    let isLast = step + 1 == parameters.steps
    guard model.communicator.size == 1 || isLast || (step + 1) % Self.interval == 0 else { return }
    if let step = try firstBadStep(model.communicator) {
      throw error("the loss was not a finite number", step: step + 1)
    }
  }

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

  /// Of all ranks, from 0.
  private func firstBadStep(_ communicator: any Communicator) throws -> Int? {
    var step = badStep ?? .max
    if communicator.size > 1 {
      try withUnsafeMutableBytes(of: &step) { bytes in
        guard let pointer = bytes.baseAddress else { return }
        try communicator.allReduce(pointer, count: 1, dtype: .int64, operation: .min)
      }
    }
    return step == .max ? nil : Int(step)
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
