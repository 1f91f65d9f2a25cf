import DataFiles
import Tensors

/// Saves the weights every epoch, or every few steps: the variables of the module, and nothing of the optimizer or of
/// the epoch that training has come to; or, with `saveWeightsOnly: false`, the whole state of the training, in a folder from which `model.restoreState(from:)` goes on.
///
/// The path can have places for the epoch, counted from 1, for the step within it (`batch`, when
/// saving by steps) and for logged values: `run/weights-{epoch:02d}-{val_loss:.4f}.safetensors`.
/// Rank 0 writes, and makes folders that are missing; every rank takes the same decision from the same logs and takes part, since
/// saving by steps needs all of them. Where rank 0 cannot write, all ranks end with its error.
///
/// Where `saveBestOnly` is asked for and the value is not logged, weights are saved each time, with one warning, as in Keras.
///
/// - Note: Departs from Keras: with `saveBestOnly` NaN is never an improvement and is not saved; in Keras a first NaN is the best value, and nothing
///   is saved after it. `saveWeightsOnly` is true unless given; in Keras it is not.
/// - SeeAlso: Keras, `callbacks.ModelCheckpoint`.
public final class ModelCheckpoint: Callback, StatefulCallback {
  /// When weights are saved.
  public enum Frequency: Hashable, Sendable {
    /// At the end of each epoch, after its validation.
    case epoch
    /// After every `n` training steps, counted over epochs.
    case steps(Int)
  }

  private let path: String
  private var monitor: Monitor
  private let saveBestOnly: Bool
  private let saveFrequency: Frequency
  private let initialValueThreshold: Double?
  private let saveWeightsOnly: Bool
  private let verbose: Bool
  private var template: PathTemplate?
  private var epoch = 0
  private var stepsSinceSaving = 0

  /// The best value that was saved; nil before the first.
  public private(set) var best: Double?
  /// Where the weights were last saved; nil before the first time.
  public private(set) var lastPath: String?

  /// Saves to `path`.
  ///
  /// - Parameters:
  ///   - path: where to, with places as described above.
  ///   - monitor: the value that says what is best.
  ///   - saveBestOnly: whether weights are saved only when the value is better than ever before.
  ///   - mode: which direction is better.
  ///   - saveFrequency: when to save. Saving by steps with `saveBestOnly`, or with values in the
  ///     path, reads logs after every step.
  ///   - initialValueThreshold: the value to beat at first, such as that of an earlier run; with `saveBestOnly` alone.
  ///   - verbose: whether a line is printed about every decision.
  ///   - saveWeightsOnly: whether a file of weights is written; otherwise `path` is a folder for a state of the training.
  ///
  /// A number of steps below 1 is an error when training begins.
  public init(
    path: String, monitor: String = "val_loss", saveBestOnly: Bool = false,
    mode: MonitorMode = .auto, saveFrequency: Frequency = .epoch,
    initialValueThreshold: Double? = nil, verbose: Bool = false,
    saveWeightsOnly: Bool = true
  ) {
    self.path = path
    self.monitor = Monitor(monitor, mode: mode)
    self.saveBestOnly = saveBestOnly
    self.saveFrequency = saveFrequency
    self.initialValueThreshold = initialValueThreshold
    self.verbose = verbose
    self.saveWeightsOnly = saveWeightsOnly
    best = initialValueThreshold
  }

  /// True when saving by steps depends on logs.
  public override var needsBatchLogs: Bool {
    guard case .steps = saveFrequency else { return false }
    // A path that cannot be read is refused when training begins.
    let names = (try? PathTemplate(path))?.names ?? []
    return saveBestOnly || names.contains { $0 != "epoch" && $0 != "batch" }
  }

  /// Reads the path.
  ///
  /// - Throws: `EngineError.invalidArgument` when the path has a place that cannot be read, is empty or ends in `/`, when it is to save
  ///   every 0 steps or fewer, and when the value to beat is no number.
  public override func onTrainBegin(logs: Logs) throws {
    if case .steps(let count) = saveFrequency, count < 1 {
      throw EngineError.invalidArgument(
        message: "ModelCheckpoint: saveFrequency is \(count) steps, it must be at least 1")
    }
    try require(
      !path.isEmpty && !path.hasSuffix("/"), "path", "that of a file", found: "\"\(path)\"")
    try require(
      !(initialValueThreshold ?? 0).isNaN, "initialValueThreshold", "a number",
      found: initialValueThreshold ?? 0)
    template = try PathTemplate(path)
    stepsSinceSaving = 0
  }

  /// Remembers the number of the epoch, from 0, for the file names of steps.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) { self.epoch = epoch }

  /// Saves, when saving by steps.
  ///
  /// - Throws: `EngineError` when the file cannot be written or a value is not logged.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) throws {
    guard case .steps(let count) = saveFrequency else { return }
    stepsSinceSaving += 1
    guard stepsSinceSaving >= count else { return }
    stepsSinceSaving = 0
    try save([("epoch", epoch + 1), ("batch", step + 1)], logs)
  }

  /// Saves, when saving by epochs.
  ///
  /// - Throws: `EngineError` when the file cannot be written or a value is not logged.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    if saveFrequency == .epoch { try save([("epoch", epoch + 1)], logs) }
  }

  /// The best value, and the steps since the last file.
  public struct SavedState: Codable {
    var best: Double?
    var lastPath: String?
    var stepsSinceSaving: Int
  }

  /// The best value, and the steps since the last file.
  public func savedState() -> SavedState {
    SavedState(best: best, lastPath: lastPath, stepsSinceSaving: stepsSinceSaving)
  }

  /// Goes on from the best value.
  public func restore(_ state: SavedState) {
    (best, lastPath, stepsSinceSaving) = (state.best, state.lastPath, state.stepsSinceSaving)
  }

  private func save(_ counters: [(name: String, value: Int)], _ logs: Logs) throws {
    guard let model else { return }
    let template = try template ?? PathTemplate(path)
    var reason = ""
    if saveBestOnly,
      let current = try monitor.value(in: logs, of: self, otherwise: "weights are saved each time")
    {
      let before = best ?? monitor.worst
      let text = "Epoch \(epoch + 1): \(monitor.name)"
      guard monitor.improves(current, on: before) else {
        if verbose { say("\(text) did not improve from \(Self.text(before))") }
        return
      }
      reason = "\(monitor.name) improved from \(Self.text(before)) to \(Self.text(current)), "
      best = current
    }
    let target = try template.path(counters: counters, logs: logs)
    if verbose { say("Epoch \(epoch + 1): \(reason)saving model to \(target)") }
    lastPath = target
    if !saveWeightsOnly { return try model.saveState(to: target, keepLast: 1) }
    // In the middle of an epoch each rank has statistics of its own.
    if saveFrequency != .epoch { try model.synchronizeStatistics() }
    // A file of rank 0 must be one of all.
    try model.compareWeights()
    try shareOutcome(
      Result {
        if isChief { try Folders.make(for: target) }
        try model.saveWeights(to: target)
      })
    if verbose { say("Epoch \(epoch + 1): finished saving model to \(target)") }
  }

  private static func text(_ value: Double) -> String {
    value.isFinite ? ProgressFormat.fixed(value, digits: 5) : "\(value)"
  }
}
