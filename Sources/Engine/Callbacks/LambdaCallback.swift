import Tensors

/// A callback made of closures.
///
/// ```swift
/// LambdaCallback(onEpochEnd: { epoch, logs in print(epoch, logs["loss"] ?? .nan) })
/// ```
public final class LambdaCallback: Callback {
  /// Called before or after a run, with logs.
  public typealias RunHook = (Logs) throws -> Void
  /// Called before or after an epoch or a step, with its number and logs.
  public typealias StepHook = (Int, Logs) throws -> Void

  private let trainBegin, trainEnd: RunHook?
  private let epochBegin, epochEnd, trainBatchBegin, trainBatchEnd: StepHook?
  private let readsBatchLogs: Bool

  /// Calls the closures that are given.
  ///
  /// - Parameters:
  ///   - onEpochBegin: called before an epoch, with its number from 0.
  ///   - onEpochEnd: called after an epoch and its validation, with its number and logs.
  ///   - onTrainBatchBegin: called before a training step, with its number from 0 in the epoch.
  ///   - onTrainBatchEnd: called after a training step, with its number and logs.
  ///   - onTrainBegin: called before the first epoch.
  ///   - onTrainEnd: called after the last epoch, with its logs.
  ///   - needsBatchLogs: whether `onTrainBatchEnd` gets logs at every step; see ``Callback/needsBatchLogs``.
  public init(
    onEpochBegin: StepHook? = nil, onEpochEnd: StepHook? = nil,
    onTrainBatchBegin: StepHook? = nil, onTrainBatchEnd: StepHook? = nil,
    onTrainBegin: RunHook? = nil, onTrainEnd: RunHook? = nil, needsBatchLogs: Bool = false
  ) {
    trainBegin = onTrainBegin
    trainEnd = onTrainEnd
    epochBegin = onEpochBegin
    epochEnd = onEpochEnd
    trainBatchBegin = onTrainBatchBegin
    trainBatchEnd = onTrainBatchEnd
    readsBatchLogs = needsBatchLogs
  }

  /// As given to `init`.
  public override var needsBatchLogs: Bool { readsBatchLogs }

  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainBegin(logs: Logs) throws { try trainBegin?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainEnd(logs: Logs) throws { try trainEnd?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) throws {
    try epochBegin?(epoch, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    try epochEnd?(epoch, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainBatchBegin(_ step: Int, logs: Logs) throws {
    try trainBatchBegin?(step, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) throws {
    try trainBatchEnd?(step, logs)
  }
}
