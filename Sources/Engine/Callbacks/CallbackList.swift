import OrderedCollections
import Tensors

/// The callbacks of one run, called in order: those of the user, then ``History``, then
/// ``ProgressBar``.
public final class CallbackList {
  /// What is called, in order.
  public let callbacks: [Callback]
  /// What the run logs.
  public let history: History
  private let model: (any TrainingControl)?
  private let parameters: RunParameters
  /// After every how many steps logs are read, as several ranks agreed; nil for one.
  private var agreedStride: Int?

  /// A list for one run of `model`.
  ///
  /// - Parameters:
  ///   - callbacks: those of the user.
  ///   - model: what callbacks see and steer.
  ///   - parameters: what the run is going to do.
  ///   - progress: prints; made from `parameters.verbosity` unless given.
  public init(
    _ callbacks: [Callback], model: (any TrainingControl)?, parameters: RunParameters,
    progress: ProgressBar? = nil
  ) {
    let history = History()
    self.callbacks =
      callbacks + [history, progress ?? ProgressBar(verbosity: parameters.verbosity)]
    self.history = history
    self.model = model
    self.parameters = parameters
    for callback in self.callbacks {
      callback.model = model
      callback.parameters = parameters
    }
  }

  /// The steps of an epoch of `steps` after which logs have to be read; the same on every rank.
  ///
  /// Ask after ``trainBegin()``, at which the ranks agree.
  public func batchLogSteps(_ steps: Int?) -> BatchLogSteps {
    BatchLogSteps(stride: agreedStride ?? stride(steps), steps: steps)
  }

  /// After every how many steps this rank's callbacks want logs; 0 for never.
  private func stride(_ steps: Int?) -> Int {
    let strides = callbacks.map { $0.needsBatchLogs ? 1 : $0.batchLogStride(steps: steps) }
    return strides.filter { $0 > 0 }.min() ?? 0
  }

  /// An operation that failed in a callback of the user ends the run.
  private func throwWhatWasReported() throws {
    if callbacks.count > 2 { try throwReportedError() }
  }

  /// Tells callbacks that the run goes on where an earlier one was broken off. To be called before ``trainBegin()``.
  package func setResumed() {
    for callback in callbacks { callback.parameters.isResumed = true }
  }

  /// Calls `onTrainBegin` of all callbacks in order. Collective when there are several ranks. Throws what a callback throws, and the first error of an operation in one.
  public func trainBegin() throws {
    for callback in callbacks { try callback.onTrainBegin(logs: [:]) }
    try throwWhatWasReported()
    guard let communicator = model?.communicator, communicator.size > 1 else { return }
    let own = stride(parameters.steps)
    var least = own > 0 ? Int32(clamping: own) : .max
    try withUnsafeMutablePointer(to: &least) {
      let pointer = $0
      try communicator.named("how often callbacks want logs") {
        try communicator.allReduce(pointer, count: 1, dtype: .int32, operation: .min)
      }
    }
    agreedStride = least == .max ? 0 : Int(least)
  }

  /// Calls `onTrainEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func trainEnd(_ logs: Logs) throws {
    for callback in callbacks { try callback.onTrainEnd(logs: logs) }
    try throwWhatWasReported()
  }

  /// Calls `onEpochBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func epochBegin(_ epoch: Int) throws {
    for callback in callbacks { try callback.onEpochBegin(epoch, logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onEpochEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  ///
  /// - Returns: the logs with what callbacks added, such as the learning rate.
  @discardableResult
  public func epochEnd(_ epoch: Int, _ logs: Logs) throws -> Logs {
    var logs = logs
    for callback in callbacks { try callback.onEpochEnd(epoch, logs: &logs) }
    try throwWhatWasReported()
    return logs
  }

  /// Calls `onTrainBatchBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func trainBatchBegin(_ step: Int) throws {
    for callback in callbacks { try callback.onTrainBatchBegin(step, logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onTrainBatchEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func trainBatchEnd(_ step: Int, _ logs: Logs) throws {
    for callback in callbacks { try callback.onTrainBatchEnd(step, logs: logs) }
    try throwWhatWasReported()
  }

  /// Calls `onTestBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func testBegin() throws {
    for callback in callbacks { try callback.onTestBegin(logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onTestEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func testEnd(_ logs: Logs) throws {
    for callback in callbacks { try callback.onTestEnd(logs: logs) }
    try throwWhatWasReported()
  }

  /// Calls `onTestBatchBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func testBatchBegin(_ step: Int) throws {
    for callback in callbacks { try callback.onTestBatchBegin(step, logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onTestBatchEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func testBatchEnd(_ step: Int, _ logs: Logs) throws {
    for callback in callbacks { try callback.onTestBatchEnd(step, logs: logs) }
    try throwWhatWasReported()
  }

  /// Calls `onPredictBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func predictBegin() throws {
    for callback in callbacks { try callback.onPredictBegin(logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onPredictEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func predictEnd() throws {
    for callback in callbacks { try callback.onPredictEnd(logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onPredictBatchBegin` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func predictBatchBegin(_ step: Int) throws {
    for callback in callbacks { try callback.onPredictBatchBegin(step, logs: [:]) }
    try throwWhatWasReported()
  }

  /// Calls `onPredictBatchEnd` of all callbacks in order. Throws what a callback throws, and the first error of an operation in one.
  public func predictBatchEnd(_ step: Int) throws {
    for callback in callbacks { try callback.onPredictBatchEnd(step, logs: [:]) }
    try throwWhatWasReported()
  }
}

/// The steps after which logs are read.
public struct BatchLogSteps: Hashable, Sendable {
  /// The number of steps from one to the next; 0 for none.
  public let stride: Int
  /// The steps of an epoch, if known.
  public let steps: Int?

  /// Whether logs are read after this step, counted from 0. The last step is left out when not
  /// every one is asked for: the epoch's logs follow at once.
  public func contains(_ step: Int) -> Bool {
    guard stride > 0 else { return false }
    return (step + 1) % stride == 0 && (stride == 1 || step + 1 != steps)
  }
}
