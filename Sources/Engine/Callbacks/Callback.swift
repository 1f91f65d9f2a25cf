import Logging
import Tensors

/// Code that `fit`, `evaluate` and `predict` call between steps and epochs.
///
/// Subclass and override what you need. All epochs and steps count from 0. Under several ranks
/// every rank has its own callbacks and must take the same decisions: logs of epochs, and of steps
/// that are read, are the same on every rank, so decide from those.
///
/// The order of calls: `onTrainBegin`; for each epoch `onEpochBegin`, for each step
/// `onTrainBatchBegin` and `onTrainBatchEnd`, then the `onTest...` calls of validation,
/// `onEpochEnd`; at last `onTrainEnd`.
///
/// Each of them may throw: the error ends `fit`, `evaluate` or `predict`, which throws it, on all ranks.
open class Callback {
  /// The model that is being trained; set before the first call.
  public weak var model: (any TrainingControl)?
  /// What the current run is going to do; set before the first call.
  public var parameters = RunParameters()
  /// Where `say(_:)` and the bar write: standard output unless set.
  public var output = TextOutput.standardOutput
  /// Where warnings go, under the label `apus.callbacks`.
  public var logger = Logger(label: "apus.callbacks")

  /// A callback that does nothing.
  public init() {}

  /// Whether logs are read for `onTrainBatchEnd` at every step. Reading them takes a collective
  /// when there are several ranks, so the default is false and logs of steps may be empty.
  open var needsBatchLogs: Bool { false }

  /// How often `onTrainBatchEnd` is to get logs.
  ///
  /// Reading logs costs a step several microseconds, and a collective when there are several ranks: what shows progress asks for
  /// some twenty readings an epoch, `max(1, (steps ?? 200) / 20)`, and does nothing while logs are empty. All callbacks get the logs that
  /// the one on any rank wants that asks most often. Asked after `onTrainBegin`.
  ///
  /// - Parameter steps: those of an epoch; nil when they are not known before.
  /// - Returns: the number of steps from one reading to the next; 0, the default, for none.
  open func batchLogStride(steps: Int?) -> Int { 0 }

  /// Called once before the first epoch.
  open func onTrainBegin(logs: Logs) throws {}
  /// Called once after the last epoch, with its logs.
  open func onTrainEnd(logs: Logs) throws {}
  /// Called before the first step of an epoch.
  open func onEpochBegin(_ epoch: Int, logs: Logs) throws {}
  /// Called after an epoch and its validation. What is added to `logs` is seen by later callbacks
  /// and by ``History``.
  open func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {}
  /// Called before a training step.
  open func onTrainBatchBegin(_ step: Int, logs: Logs) throws {}
  /// Called after a training step, with the running means since the epoch began where they were read (see
  /// ``needsBatchLogs`` and ``batchLogStride(steps:)``), else with none.
  open func onTrainBatchEnd(_ step: Int, logs: Logs) throws {}
  /// Called before an evaluation, also that of validation.
  open func onTestBegin(logs: Logs) throws {}
  /// Called after an evaluation, with its results.
  open func onTestEnd(logs: Logs) throws {}
  /// Called before a step of evaluation.
  open func onTestBatchBegin(_ step: Int, logs: Logs) throws {}
  /// Called after a step of evaluation.
  open func onTestBatchEnd(_ step: Int, logs: Logs) throws {}
  /// Called before a prediction.
  open func onPredictBegin(logs: Logs) throws {}
  /// Called after a prediction.
  open func onPredictEnd(logs: Logs) throws {}
  /// Called before a step of prediction.
  open func onPredictBatchBegin(_ step: Int, logs: Logs) throws {}
  /// Called after a step of prediction.
  open func onPredictBatchEnd(_ step: Int, logs: Logs) throws {}
}

extension Callback {
  /// Whether this rank prints and writes files; true without a model.
  package var isChief: Bool { model?.isChief ?? true }

  /// Prints one line, on rank 0.
  package func say(_ message: String) {
    if isChief { output.line(message) }
  }
}
