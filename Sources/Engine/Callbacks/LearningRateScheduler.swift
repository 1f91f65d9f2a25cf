import OrderedCollections
import Tensors

/// Sets the learning rate at the beginning of each epoch.
///
/// Writes `learning_rate` into the logs. The optimizer must have been given a number: under a ``LearningRateSchedule`` the
/// rate cannot be set, which is an error when training begins.
///
/// - SeeAlso: Keras, `callbacks.LearningRateScheduler`.
public final class LearningRateScheduler: Callback {
  private let schedule: (_ epoch: Int, _ learningRate: Double) -> Double
  private let verbose: Bool

  /// Sets the learning rate to what `schedule` gives.
  ///
  /// - Parameters:
  ///   - verbose: whether a line is printed each time.
  ///   - schedule: gets the epoch, counted from 0, and the learning rate at the moment; gives the
  ///     new one.
  public init(
    verbose: Bool = false, _ schedule: @escaping (_ epoch: Int, _ learningRate: Double) -> Double
  ) {
    self.schedule = schedule
    self.verbose = verbose
  }

  /// Makes sure that the learning rate can be set.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` under a schedule.
  public override func onTrainBegin(logs: Logs) throws { try requireSettableLearningRate() }

  /// Sets the learning rate.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` when the function gives a negative rate, or none that is finite.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) throws {
    guard let model else { return }
    let rate = schedule(epoch, model.learningRate)
    guard rate.isFinite, rate >= 0 else {
      throw EngineError.invalidArgument(
        message:
          "LearningRateScheduler: the schedule gives \(rate) for epoch \(epoch), counted from 0; "
          + "a learning rate must be finite and at least 0")
    }
    model.learningRate = rate
    if verbose {
      say("Epoch \(epoch + 1): LearningRateScheduler setting learning rate to \(rate).")
    }
  }

  /// Logs the learning rate.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) {
    if let model { logs["learning_rate"] = model.learningRate }
  }
}

extension Callback {
  /// Throws when the learning rate that this callback is about to set follows a schedule.
  func requireSettableLearningRate() throws(EngineError) {
    guard let schedule = model?.learningRateSchedule else { return }
    throw .invalidArgument(
      message: "\(type(of: self)) cannot set the learning rate, which follows \(schedule): give "
        + "the optimizer a number instead, such as learningRate: 0.001, or leave out this callback")
  }
}
