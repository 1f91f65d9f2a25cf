import Tensors

/// A callback made of closures.
///
/// ```swift
/// LambdaCallback(onEpochEnd: { epoch, logs in print(epoch, logs["loss"] ?? .nan) })
/// ```
///
/// - SeeAlso: Keras, `callbacks.LambdaCallback`.
public final class LambdaCallback: Callback {
  /// Called before or after a run, with logs.
  public typealias RunHook = (Logs) throws -> Void
  /// Called before or after an epoch or a step, with its number and logs.
  public typealias StepHook = (Int, Logs) throws -> Void

  private let trainBegin, trainEnd, testBegin, testEnd, predictBegin, predictEnd: RunHook?
  private let epochBegin, epochEnd, trainBatchBegin, trainBatchEnd: StepHook?
  private let testBatchBegin, testBatchEnd, predictBatchBegin, predictBatchEnd: StepHook?
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
  ///   - onTestBegin: called before an evaluation, also that of validation.
  ///   - onTestEnd: called after an evaluation, with its results.
  ///   - onTestBatchBegin: called before a step of evaluation, with its number from 0.
  ///   - onTestBatchEnd: called after a step of evaluation, with its number.
  ///   - onPredictBegin: called before a prediction.
  ///   - onPredictEnd: called after a prediction.
  ///   - onPredictBatchBegin: called before a step of prediction, with its number from 0.
  ///   - onPredictBatchEnd: called after a step of prediction, with its number.
  ///   - needsBatchLogs: whether `onTrainBatchEnd` gets logs at every step; see ``Callback/needsBatchLogs``.
  public init(
    onEpochBegin: StepHook? = nil, onEpochEnd: StepHook? = nil,
    onTrainBatchBegin: StepHook? = nil, onTrainBatchEnd: StepHook? = nil,
    onTrainBegin: RunHook? = nil, onTrainEnd: RunHook? = nil,
    onTestBegin: RunHook? = nil, onTestEnd: RunHook? = nil,
    onTestBatchBegin: StepHook? = nil, onTestBatchEnd: StepHook? = nil,
    onPredictBegin: RunHook? = nil, onPredictEnd: RunHook? = nil,
    onPredictBatchBegin: StepHook? = nil, onPredictBatchEnd: StepHook? = nil,
    needsBatchLogs: Bool = false
  ) {
    trainBegin = onTrainBegin
    trainEnd = onTrainEnd
    testBegin = onTestBegin
    testEnd = onTestEnd
    predictBegin = onPredictBegin
    predictEnd = onPredictEnd
    epochBegin = onEpochBegin
    epochEnd = onEpochEnd
    trainBatchBegin = onTrainBatchBegin
    trainBatchEnd = onTrainBatchEnd
    testBatchBegin = onTestBatchBegin
    testBatchEnd = onTestBatchEnd
    predictBatchBegin = onPredictBatchBegin
    predictBatchEnd = onPredictBatchEnd
    readsBatchLogs = needsBatchLogs
  }

  /// As given to `init`.
  public override var needsBatchLogs: Bool { readsBatchLogs }

  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainBegin(logs: Logs) throws { try trainBegin?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTrainEnd(logs: Logs) throws { try trainEnd?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTestBegin(logs: Logs) throws { try testBegin?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTestEnd(logs: Logs) throws { try testEnd?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onPredictBegin(logs: Logs) throws { try predictBegin?(logs) }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onPredictEnd(logs: Logs) throws { try predictEnd?(logs) }
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
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTestBatchBegin(_ step: Int, logs: Logs) throws {
    try testBatchBegin?(step, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onTestBatchEnd(_ step: Int, logs: Logs) throws {
    try testBatchEnd?(step, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onPredictBatchBegin(_ step: Int, logs: Logs) throws {
    try predictBatchBegin?(step, logs)
  }
  /// Calls the closure for this moment, if there is one, and throws what it throws.
  public override func onPredictBatchEnd(_ step: Int, logs: Logs) throws {
    try predictBatchEnd?(step, logs)
  }
}
