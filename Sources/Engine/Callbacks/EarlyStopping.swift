import Tensors

/// Ends training when a value has not become better for some epochs.
///
/// An epoch is an improvement when it beats the best one by more than `minDelta`; it also has to
/// beat `baseline`, if there is one, to start the count anew. The first epoch never ends training.
///
/// The rules are those of Keras 3: weights are restored when training ends, also when it ended by
/// itself (Keras 2 restored them only after stopping early), and an epoch that improves never stops.
///
/// - Note: Departs from Keras: NaN is never an improvement; in Keras a first NaN is the best value, on which nothing improves.
/// - SeeAlso: Keras, `callbacks.EarlyStopping`.
public final class EarlyStopping: Callback, StatefulCallback {
  private var monitor: Monitor
  private let minDelta: Double
  private let patience: Int
  private let baseline: Double?
  private let restoreBestWeights: Bool
  private let startFromEpoch: Int
  private let verbose: Bool
  private var wait = 0
  private var bestWeights: WeightsSnapshot?

  /// The epoch at which training was ended, counted from 0; nil when it was not.
  public private(set) var stoppedEpoch: Int?
  /// The best value so far; nil before the first.
  public private(set) var best: Double?
  /// The epoch of the best value, counted from 0.
  public private(set) var bestEpoch = 0

  /// Ends training by the value of `monitor`.
  ///
  /// - Parameters:
  ///   - monitor: the value to watch.
  ///   - minDelta: changes up to this do not count; its sign does not matter.
  ///   - patience: how many epochs without improvement end training.
  ///   - mode: which direction is better.
  ///   - baseline: a value that has to be beaten.
  ///   - restoreBestWeights: whether the model gets the weights of the best epoch in the end.
  ///   - startFromEpoch: epochs before this one, counted from 0, are not looked at.
  ///   - verbose: whether a line is printed when training is ended.
  public init(
    monitor: String = "val_loss", minDelta: Double = 0, patience: Int = 0,
    mode: MonitorMode = .auto, baseline: Double? = nil, restoreBestWeights: Bool = false,
    startFromEpoch: Int = 0, verbose: Bool = false
  ) {
    self.monitor = Monitor(monitor, mode: mode)
    self.minDelta = abs(minDelta)
    self.patience = patience
    self.baseline = baseline
    self.restoreBestWeights = restoreBestWeights
    self.startFromEpoch = startFromEpoch
    self.verbose = verbose
  }

  /// Begins to count anew: nothing of an earlier run is remembered.
  ///
  /// - Throws: `EngineError.invalidArgument` when `patience` or `startFromEpoch` is negative, or `minDelta` or `baseline` no number.
  public override func onTrainBegin(logs: Logs) throws {
    try require(patience >= 0, "patience", "at least 0", found: patience)
    try require(startFromEpoch >= 0, "startFromEpoch", "at least 0", found: startFromEpoch)
    try require(minDelta.isFinite, "minDelta", "a finite number", found: minDelta)
    try require(!(baseline ?? 0).isNaN, "baseline", "a number", found: baseline ?? 0)
    wait = 0
    stoppedEpoch = nil
    best = nil
    bestEpoch = 0
    bestWeights = nil
  }

  /// Compares the value with the best one and ends training when `patience` has run out. Throws when the weights, which
  /// `restoreBestWeights` keeps, cannot be read, and when the name of the value does not tell which direction is better.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    guard let current = try monitor.value(in: logs, of: self), epoch >= startFromEpoch
    else { return }
    if restoreBestWeights, bestWeights == nil {
      bestWeights = try model?.weightsSnapshot()
      bestEpoch = epoch
    }
    wait += 1
    if monitor.improves(current, on: best ?? monitor.worst, by: minDelta) {
      best = current
      bestEpoch = epoch
      if restoreBestWeights { bestWeights = try model?.weightsSnapshot() }
      if baseline.map({ monitor.improves(current, on: $0, by: minDelta) }) ?? true { wait = 0 }
    } else if wait >= patience, epoch > 0 {
      stoppedEpoch = epoch
      model?.stopTraining = true
    }
  }

  /// What has been counted, and the best weights.
  public struct SavedState: Codable {
    var wait: Int
    var stoppedEpoch: Int?
    var best: Double?
    var bestEpoch: Int
    var bestWeights: [Tensor]?
  }

  /// What has been counted, and the best weights where `restoreBestWeights` keeps them.
  public func savedState() -> SavedState {
    SavedState(
      wait: wait, stoppedEpoch: stoppedEpoch, best: best, bestEpoch: bestEpoch,
      bestWeights: bestWeights?.tensors)
  }

  /// Goes on counting.
  public func restore(_ state: SavedState) {
    (wait, stoppedEpoch) = (state.wait, state.stoppedEpoch)
    (best, bestEpoch) = (state.best, state.bestEpoch)
    bestWeights = state.bestWeights.map(WeightsSnapshot.init(tensors:))
  }

  /// Puts the weights of the best epoch back where `restoreBestWeights` asks for it. Throws when they do not fit the
  /// model any more.
  public override func onTrainEnd(logs: Logs) throws {
    if verbose, let stoppedEpoch { say("Epoch \(stoppedEpoch + 1): early stopping") }
    guard restoreBestWeights, let bestWeights else { return }
    if verbose {
      say("Restoring model weights from the end of the best epoch: \(bestEpoch + 1).")
    }
    try model?.restore(bestWeights)
  }
}
