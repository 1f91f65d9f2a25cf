import Foundation
import Tensors

/// Keeps the state of a training in a folder, and goes on from it when the program is started again.
///
/// ```swift
/// try model.fit(
///   x: x, y: y, epochs: 100,
///   callbacks: [BackupAndRestore("run/state", saveFrequency: .steps(500)), EarlyStopping(patience: 5)],
///   validationSplit: 0.1)
/// ```
///
/// The state is everything that the rest of the training depends on: weights, what the optimizer remembers, the epoch and the step in it, random keys, what metrics have counted,
/// what callbacks remember (``StatefulCallback``), and the history. A training that was broken off, by a time limit, a dead node or an operator, and is started again with the same
/// arguments goes on after the step of the newest state and ends with the same bits as one that nobody has disturbed; on another number of ranks with the same samples in the same order, and weights
/// that differ in rounding alone. With a larger number of `epochs` it is trained for longer. Where the program calls `fit` several times with this folder, calls that were over are left out: they return an empty
/// history, and the model has the weights of the state.
///
/// States are written by a thread of their own while the training goes on, each into a folder of its own that appears when it is complete; a damaged one is passed over for the one before. Weights
/// are in `weights.safetensors` in it. Ranks that share the folder write their shares side by side; where they do not, rank 0 writes alone.
///
/// SIGTERM, SIGUSR1 and SIGINT end the training after the step under way, with its state saved, and an error of the kind ``EngineError/Kind/interrupted``; a program that this error leaves ends with
/// exit code 75. A second SIGINT ends the process at once.
///
/// - Note: Departs from Keras: states are kept when the training ends, unless `deleteCheckpoint` is given: a program that is started again does not train again. The position within the epoch, metrics,
///   and what other callbacks remember are restored too. `keepLast` stands for `double_checkpoint`.
/// - SeeAlso: Keras, `callbacks.BackupAndRestore`.
public final class BackupAndRestore: Callback, StatefulCallback {
  /// When states are saved.
  public enum Frequency: Hashable, Sendable {
    /// At the end of each epoch, after its validation.
    case epoch
    /// At the end of each epoch, and after every `n` training steps, counted over epochs.
    case steps(Int)
  }

  /// What happens when a state cannot be saved: the disk is full, or the folder is gone.
  public enum FailurePolicy: String, Hashable, Sendable {
    /// A warning; training goes on, and the states before are kept.
    case warn
    /// The training ends with an error on all ranks, at the next state or at its end.
    case stop
  }

  /// Which ranks write.
  public enum Storage: String, Hashable, Sendable {
    /// Each its share where all see the folder, else rank 0 everything.
    case auto
    /// Each its share.
    case shared
    /// Rank 0 everything.
    case chief
  }

  /// The folder of states.
  public let folder: String
  package let saveFrequency: Frequency
  package let saveInterval: Double?
  package let keepLast: Int
  package let keepEvery: Int?
  package let onFailure: FailurePolicy
  package let storage: Storage
  package let isStrict: Bool
  package let deleteCheckpoint: Bool
  private var best: Monitor?
  private var bestValue: Double?
  private var stepsSinceSaving = 0
  private var stepsSinceKeeping = 0
  private var isBetter = false
  /// The numbers of states that stay for good, and that of the best one.
  private var kept: [UInt64] = []
  private var bestState: UInt64?

  /// Keeps states in `folder`.
  ///
  /// - Parameters:
  ///   - folder: of this training alone; made where it is missing.
  ///   - saveFrequency: when states are saved.
  ///   - saveInterval: also after so many minutes since the last one, by rank 0's clock.
  ///   - keepLast: how many of the newest states are kept.
  ///   - keepBest: the name of a value in the logs; the state of the epoch in which it was best is kept too.
  ///   - mode: which direction of that value is better.
  ///   - keepEvery: the first state after so many steps since the last one that was kept for this is kept for good.
  ///   - onFailure: what happens when a state cannot be saved. One that cannot be made at the beginning is an error always.
  ///   - storage: which ranks write.
  ///   - isStrict: whether a state of a training with other settings or data is an error. Otherwise what differs is warned of, and where it changes the
  ///     batches of an epoch, the epoch begins anew.
  ///   - deleteCheckpoint: whether the states are removed when the training has ended.
  public init(
    _ folder: String, saveFrequency: Frequency = .epoch, saveInterval: Double? = nil,
    keepLast: Int = 2, keepBest: String? = nil, mode: MonitorMode = .auto, keepEvery: Int? = nil,
    onFailure: FailurePolicy = .warn, storage: Storage = .auto, isStrict: Bool = true,
    deleteCheckpoint: Bool = false
  ) {
    self.folder = folder
    self.saveFrequency = saveFrequency
    self.saveInterval = saveInterval
    self.keepLast = keepLast
    self.keepEvery = keepEvery
    self.onFailure = onFailure
    self.storage = storage
    self.isStrict = isStrict
    self.deleteCheckpoint = deleteCheckpoint
    best = keepBest.map { Monitor($0, mode: mode) }
  }

  /// Looks at the arguments.
  ///
  /// - Throws: `EngineError.invalidArgument` for an empty folder and numbers out of their range.
  public override func onTrainBegin(logs: Logs) throws {
    stepsSinceSaving = 0
    stepsSinceKeeping = 0
    bestValue = nil
  }

  /// Throws for arguments that make no sense. Before anything is read.
  package func checkArguments() throws {
    try require(!folder.isEmpty, "folder", "a path", found: "empty")
    if case .steps(let count) = saveFrequency {
      try require(count >= 1, "saveFrequency", "at least 1 step", found: count)
    }
    if let saveInterval {
      try require(
        saveInterval > 0 && saveInterval.isFinite, "saveInterval", "above 0", found: saveInterval)
    }
    try require(keepLast >= 1, "keepLast", "at least 1", found: keepLast)
    try require((keepEvery ?? 1) >= 1, "keepEvery", "at least 1 step", found: keepEvery ?? 1)
  }

  /// Counts the step.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    stepsSinceSaving += 1
    stepsSinceKeeping += 1
  }

  /// Finds out whether the epoch was the best one, for `keepBest`. Throws when the name of the value does not tell which direction is better.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    isBetter = false
    guard best != nil, let value = try best?.value(in: logs, of: self),
      let best, best.improves(value, on: bestValue ?? best.worst)
    else { return }
    bestValue = value
    isBetter = true
  }

  /// Whether a state is due after the step that has just been counted.
  package var isDueAfterStep: Bool {
    guard case .steps(let count) = saveFrequency else { return false }
    return stepsSinceSaving >= count
  }

  /// Begins to count anew: the state with this number is about to be saved.
  ///
  /// - Returns: the numbers of states that stay whatever comes.
  package func beginSaving(_ number: UInt64, afterEpoch: Bool) -> Set<UInt64> {
    stepsSinceSaving = 0
    if let keepEvery, stepsSinceKeeping >= keepEvery {
      stepsSinceKeeping = 0
      kept.append(number)
    }
    if afterEpoch, isBetter { bestState = number }
    return Set(kept + [bestState].compactMap(\.self))
  }

  // MARK: State

  /// Steps counted, and the best value.
  public struct SavedState: Codable {
    var stepsSinceSaving: Int
    var stepsSinceKeeping: Int
    var bestValue: Double?
    var kept: [Int]
    var bestState: Int?
  }

  /// What has been counted.
  public func savedState() -> SavedState {
    SavedState(
      stepsSinceSaving: stepsSinceSaving, stepsSinceKeeping: stepsSinceKeeping,
      bestValue: bestValue, kept: kept.map { Int($0) }, bestState: bestState.map { Int($0) })
  }

  /// Goes on counting.
  public func restore(_ state: SavedState) {
    stepsSinceSaving = state.stepsSinceSaving
    stepsSinceKeeping = state.stepsSinceKeeping
    bestValue = state.bestValue
    kept = state.kept.map { UInt64(max(0, $0)) }
    bestState = state.bestState.map { UInt64(max(0, $0)) }
  }
}
