import OrderedCollections
import Tensors

/// Multiplies the learning rate by a factor when a value has not become better for some epochs.
///
/// Writes `learning_rate`, as it was during the epoch, into the logs. The optimizer must have been given a number: under a
/// ``LearningRateSchedule`` the rate cannot be set, which is an error when training begins.
///
/// - Note: Departs from Keras: NaN is never an improvement; in Keras a first NaN is the best value, on which nothing improves.
/// - SeeAlso: Keras, `callbacks.ReduceLROnPlateau`.
public final class ReduceLROnPlateau: Callback, StatefulCallback {
  private var monitor: Monitor
  private let factor: Double
  private let patience: Int
  private let minDelta: Double
  private let cooldown: Int
  private let minLearningRate: Double
  private let verbose: Bool
  private var best: Double
  private var wait = 0
  private var coolingEpochs = 0

  /// Reduces the learning rate by the value of `monitor`.
  ///
  /// - Parameters:
  ///   - monitor: the value to watch.
  ///   - factor: what the learning rate is multiplied by.
  ///   - patience: how many epochs without improvement reduce it.
  ///   - mode: which direction is better.
  ///   - minDelta: changes up to this do not count; its sign does not matter.
  ///   - cooldown: how many epochs are not counted after a reduction.
  ///   - minLearningRate: the learning rate does not go below this.
  ///   - verbose: whether a line is printed on each reduction.
  ///
  /// A factor of 1 or more, and numbers below 0, are errors when training begins.
  public init(
    monitor: String = "val_loss", factor: Double = 0.1, patience: Int = 10,
    mode: MonitorMode = .auto, minDelta: Double = 1e-4, cooldown: Int = 0,
    minLearningRate: Double = 0, verbose: Bool = false
  ) {
    let monitor = Monitor(monitor, mode: mode)
    self.monitor = monitor
    self.factor = factor
    self.patience = patience
    self.minDelta = abs(minDelta)
    self.cooldown = cooldown
    self.minLearningRate = minLearningRate
    self.verbose = verbose
    best = monitor.worst
  }

  /// Forgets earlier runs.
  ///
  /// - Throws: `EngineError.invalidArgument` when an argument is out of its range, or the learning rate follows a
  ///   schedule.
  public override func onTrainBegin(logs: Logs) throws {
    guard factor < 1, factor >= 0 else {
      throw EngineError.invalidArgument(
        message: "ReduceLROnPlateau: factor is \(factor), but it must be at least 0 and below 1 to "
          + "reduce the learning rate")
    }
    try require(patience >= 0, "patience", "at least 0", found: patience)
    try require(cooldown >= 0, "cooldown", "at least 0", found: cooldown)
    try require(minDelta.isFinite, "minDelta", "a finite number", found: minDelta)
    try require(
      minLearningRate >= 0 && minLearningRate.isFinite, "minLearningRate", "at least 0",
      found: minLearningRate)
    try requireSettableLearningRate()
    best = monitor.worst
    wait = 0
    coolingEpochs = 0
  }

  /// Looks at the value and decides. Throws when the name of the value does not tell which direction is better.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    guard let model else { return }
    logs["learning_rate"] = model.learningRate
    let current = try monitor.value(in: logs, of: self)
    guard let current else { return }
    if coolingEpochs > 0 {
      coolingEpochs -= 1
      wait = 0
    }
    if monitor.improves(current, on: best, by: minDelta) {
      best = current
      wait = 0
    } else if coolingEpochs == 0 {
      wait += 1
      if wait >= patience { reduce(model, epoch) }
    }
  }

  /// The best value, and what has been counted.
  public struct SavedState: Codable {
    var best: Double
    var wait: Int
    var coolingEpochs: Int
  }

  /// The best value, and what has been counted; the learning rate is the optimizer's.
  public func savedState() -> SavedState {
    SavedState(best: best, wait: wait, coolingEpochs: coolingEpochs)
  }

  /// Goes on counting.
  public func restore(_ state: SavedState) {
    (best, wait, coolingEpochs) = (state.best, state.wait, state.coolingEpochs)
  }

  private func reduce(_ model: any TrainingControl, _ epoch: Int) {
    let old = model.learningRate
    // The optimizer holds the rate as float32: the minimum, once reached, is not above itself.
    guard Float(old) > Float(minLearningRate) else { return }
    let new = max(old * factor, minLearningRate)
    model.learningRate = new
    if verbose { say("Epoch \(epoch + 1): ReduceLROnPlateau reducing learning rate to \(new).") }
    coolingEpochs = cooldown
    wait = 0
  }
}
