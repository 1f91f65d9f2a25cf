import Engine
import Foundation
import OrderedCollections
import Tensors

/// Writes what TensorBoard shows: losses and metrics, histograms of weights, a table of the model, images of filters.
///
/// ```swift
/// import Monitoring
///
/// try model.fit(x: x, y: y, epochs: 10, callbacks: [TensorBoard(logDirectory: "logs/first")])
/// // tensorboard --logdir logs
/// ```
///
/// Rank 0 writes files of events to `train` and `validation` in the folder, which is made where it is missing; each run adds a file, so that one that is resumed
/// goes on in the same curves. Where rank 0 cannot write, all ranks end with its error, at the end of the epoch at the latest.
///
/// Curves have Keras's names: `epoch_loss` over epochs, counted from 0, `batch_loss` over steps, `evaluation_loss_vs_iterations` over updates of the
/// optimizer. Under `model` is the table of the model as text: for a functional model with the layers that each one takes outputs of.
///
/// - Note: Departs from Keras: steps are counted from the optimizer's first update; Keras begins at 1 again in a second call of `fit`. Every how many
///   steps values are written is counted within each epoch, and its last step is left out unless all are written: the epoch's values follow. Images
///   show the filters of the first convolution, scaled to what they hold, also without histograms; Keras clips all weights to 0...1. A table
///   stands for the graph; profiles and embeddings are not written.
/// - SeeAlso: Keras, `callbacks.TensorBoard`.
public final class TensorBoard: Callback, StatefulCallback {
  /// When losses and metrics are written.
  public enum UpdateFrequency: Hashable, Sendable {
    /// After each epoch.
    case epoch
    /// After each epoch and each training step.
    case batch
    /// After each epoch and every `n` training steps.
    case steps(Int)
  }

  private let logDirectory: String
  private let histogramFrequency: Int
  private let writeGraph: Bool
  private let writeImages: Bool
  private let writeStepsPerSecond: Bool
  private let updateFrequency: UpdateFrequency
  private let clock = ContinuousClock()
  private var training: EventFile?
  private var validation: EventFile?
  private var isTraining = false
  /// Steps of training, over all runs.
  private var step = 0
  private var stepsSinceWriting = 0
  private var stepsOfEpoch = 0
  private var startOfEpoch: ContinuousClock.Instant?
  private var startOfStep: ContinuousClock.Instant?
  /// What has failed in a step: ranks hear of it after the epoch.
  private var failure: (any Error)?

  /// Writes to folders in `logDirectory`.
  ///
  /// - Parameters:
  ///   - logDirectory: a folder of this run; TensorBoard is given it, or one above the folders of several runs.
  ///   - histogramFrequency: the number of epochs from one histogram of all weights to the next; 0 for none.
  ///   - writeGraph: whether the table of the model is written when training begins.
  ///   - writeImages: whether the filters of the first convolution over images are written: with the histograms, or after each
  ///     epoch where there are none.
  ///   - writeStepsPerSecond: whether the steps a second are written, of each epoch and at each step that is written.
  ///   - updateFrequency: when losses and metrics are written. Writing steps reads logs so often, which takes time and, with several ranks, a collective.
  ///
  /// A negative number of epochs, and a number of steps below 1, are errors when training begins.
  public init(
    logDirectory: String = "logs", histogramFrequency: Int = 0, writeGraph: Bool = true,
    writeImages: Bool = false, writeStepsPerSecond: Bool = false,
    updateFrequency: UpdateFrequency = .epoch
  ) {
    self.logDirectory = logDirectory
    self.histogramFrequency = histogramFrequency
    self.writeGraph = writeGraph
    self.writeImages = writeImages
    self.writeStepsPerSecond = writeStepsPerSecond
    self.updateFrequency = updateFrequency
  }

  /// The number of steps from one that is written to the next; 0 for none.
  private var stride: Int {
    switch updateFrequency {
    case .epoch: 0
    case .batch: 1
    case .steps(let count): max(1, count)
    }
  }

  /// As often as steps are written.
  public override func batchLogStride(steps: Int?) -> Int { stride }

  private var trained: Model? { model as? Model }

  // MARK: Training

  /// Makes the file of training, and writes the table of the model.
  ///
  /// - Throws: `EngineError.invalidArgument` for numbers out of their range, `EngineError.file` when the file cannot be written.
  public override func onTrainBegin(logs: Logs) throws {
    try require(
      histogramFrequency >= 0, "histogramFrequency", "at least 0", found: histogramFrequency)
    if case .steps(let count) = updateFrequency {
      try require(count >= 1, "updateFrequency", "at least 1 step", found: count)
    }
    try require(!logDirectory.isEmpty, "logDirectory", "a folder", found: "empty")
    step = trained?.optimizer.map { $0.iterations.value.item(as: Int.self) } ?? 0
    failure = nil
    isTraining = true
    closeFiles()
    try asChief {
      let file = try EventFile(in: logDirectory + "/train")
      training = file
      if writeGraph, let module = trained?.module {
        let table = (module as? Functional)?.summary() ?? module.tabulate()
        // Four spaces make it code in Markdown.
        let text = table.split(separator: "\n", omittingEmptySubsequences: false)
          .map { "    " + $0 }.joined(separator: "\n")
        try file.write([.text("model", text)], step: 0)
      }
    }
  }

  /// Begins to take the time.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) {
    (stepsSinceWriting, stepsOfEpoch) = (0, 0)
    startOfEpoch = clock.now
  }

  /// Steps since the last one that was written, and since the epoch began.
  public func savedState() -> [Int] { [stepsSinceWriting, stepsOfEpoch] }

  /// Goes on counting.
  public func restore(_ state: [Int]) {
    guard state.count == 2 else { return }
    (stepsSinceWriting, stepsOfEpoch) = (state[0], state[1])
  }

  /// Begins to take the time.
  public override func onTrainBatchBegin(_ step: Int, logs: Logs) {
    if writeStepsPerSecond { startOfStep = clock.now }
  }

  /// Writes the running means of the epoch, where this step is one that is written.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    self.step += 1
    stepsOfEpoch += 1
    stepsSinceWriting += 1
    guard stride > 0, !logs.isEmpty, stepsSinceWriting >= stride else { return }
    stepsSinceWriting = 0
    guard let training, failure == nil else { return }
    var values = logs.map { TBSummary.Value.scalar("batch_\($0.key)", $0.value) }
    if writeStepsPerSecond, let seconds = seconds(since: startOfStep) {
      values.append(.scalar("batch_steps_per_second", 1 / seconds))
    }
    do {
      try training.write(values, step: self.step)
    } catch {
      failure = error
    }
  }

  /// Writes the values of the epoch, histograms and images.
  ///
  /// - Throws: `EngineError.file` on every rank when a file could not be written, also in a step of the epoch.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    let names = logs
    try asChief {
      if let failure { throw failure }
      try writeEpoch(epoch, names)
    }
  }

  private func writeEpoch(_ epoch: Int, _ logs: Logs) throws {
    guard let training else { return }
    var values: [TBSummary.Value] = []
    var validated: [TBSummary.Value] = []
    for (name, value) in logs {
      if name.hasPrefix("val_") {
        validated.append(.scalar("epoch_\(name.dropFirst(4))", value))
      } else {
        values.append(.scalar("epoch_\(name)", value))
      }
    }
    if let optimizer = trained?.optimizer, logs["learning_rate"] == nil {
      values.append(.scalar("epoch_learning_rate", optimizer.learningRate))
    }
    if writeStepsPerSecond, let seconds = seconds(since: startOfEpoch) {
      values.append(.scalar("epoch_steps_per_second", Double(stepsOfEpoch) / seconds))
    }
    let isDue = histogramFrequency > 0 && epoch % histogramFrequency == 0
    let variables = trained?.module.savedVariables ?? []
    if isDue {
      for (path, variable) in variables {
        let weights = variable.value.scalars(as: Double.self)
        values.append(.histogram("\(path)/histogram", weights))
      }
    }
    if writeImages, isDue || histogramFrequency == 0 {
      for (path, variable) in variables where path.hasSuffix("kernel") {
        guard let image = FilterImage.of(variable.value) else { continue }
        values.append(.image("\(path)/image", image))
        break
      }
    }
    try training.write(values, step: epoch)
    if !validated.isEmpty { try openValidation().write(validated, step: epoch) }
  }

  /// Closes the files.
  public override func onTrainEnd(logs: Logs) {
    isTraining = false
    closeFiles()
  }

  // MARK: Evaluation

  /// Writes the values of an evaluation, also that of validation.
  ///
  /// - Throws: `EngineError.file` on every rank when the file could not be written.
  public override func onTestEnd(logs: Logs) throws {
    guard let optimizer = trained?.optimizer else { return }
    try asChief {
      let step = optimizer.iterations.value.item(as: Int.self)
      try openValidation().write(
        logs.map { .scalar("evaluation_\($0.key)_vs_iterations", $0.value) }, step: step)
    }
    if !isTraining { closeFiles() }
  }

  private func openValidation() throws -> EventFile {
    if let validation { return validation }
    let file = try EventFile(in: logDirectory + "/validation")
    validation = file
    return file
  }

  private func closeFiles() {
    training?.close()
    validation?.close()
    (training, validation) = (nil, nil)
  }

  /// nil where no time has passed.
  private func seconds(since start: ContinuousClock.Instant?) -> Double? {
    guard let start else { return nil }
    let seconds = (clock.now - start) / .seconds(1)
    return seconds > 0 ? seconds : nil
  }
}
