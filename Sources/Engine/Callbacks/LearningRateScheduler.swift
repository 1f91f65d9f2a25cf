/// Sets the learning rate at the beginning of each epoch.
///
/// Writes `learning_rate` into the logs.
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

  /// Sets the learning rate.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) {
    guard let model else { return }
    let rate = schedule(epoch, model.learningRate)
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
