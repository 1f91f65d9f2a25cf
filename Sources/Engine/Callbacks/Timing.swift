import Foundation
import OrderedCollections
import Tensors

/// Logs how long epochs take: `epoch_seconds`, with validation, and `samples_per_second` of training.
///
/// Both are those of the slowest rank, so that all ranks log the same; ``epochs`` also has the fastest. Training is
/// timed from the beginning of the epoch to the end of its last step; the first epoch includes compiling.
public final class Timing: Callback, StatefulCallback {
  /// How long an epoch took on the ranks.
  public struct Epoch: Hashable, Sendable, Codable {
    /// Seconds of the slowest rank, with validation.
    public let seconds: Double
    /// Seconds of the fastest rank, with validation.
    public let fastestSeconds: Double
    /// Seconds of training alone, of the slowest rank.
    public let trainingSeconds: Double
    /// Samples of all ranks that were trained on, by ``trainingSeconds``; nil where their number is not known.
    public let samplesPerSecond: Double?
  }

  /// One an epoch of the last run.
  public private(set) var epochs: [Epoch] = []
  private let verbose: Bool
  private let clock: () -> Double
  private var start = 0.0
  private var endOfSteps = 0.0
  private var steps = 0

  /// A callback that takes the time.
  ///
  /// - Parameters:
  ///   - verbose: whether a line is printed after each epoch, with the fastest and the slowest rank.
  ///   - clock: seconds since some moment.
  public init(
    verbose: Bool = false,
    clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) {
    self.verbose = verbose
    self.clock = clock
  }

  /// Forgets earlier runs.
  public override func onTrainBegin(logs: Logs) { epochs = [] }

  /// Begins to take the time.
  public override func onEpochBegin(_ epoch: Int, logs: Logs) {
    (start, steps) = (clock(), 0)
    endOfSteps = start
  }

  /// Notes the end of a step.
  public override func onTrainBatchEnd(_ step: Int, logs: Logs) {
    steps += 1
    endOfSteps = clock()
  }

  /// The epochs so far.
  public func savedState() -> [Epoch] { epochs }

  /// Goes on with the epochs of an earlier run. An epoch that was broken off is timed from where it goes on.
  public func restore(_ state: [Epoch]) { epochs = state }

  /// Logs the times. Collective when there are several ranks; throws when that fails.
  public override func onEpochEnd(_ epoch: Int, logs: inout Logs) throws {
    // The largest of what is negative is the smallest.
    let own = clock() - start
    var times = [own, -own, endOfSteps - start]
    if let communicator = model?.communicator, communicator.size > 1 {
      try communicator.named("the times of an epoch") {
        try communicator.allReduce(&times, count: 3, dtype: .float64, operation: .max)
      }
    }
    let samples = parameters.batchSize.map { size in
      min(steps * size, parameters.samples ?? .max)
    }
    let taken = Epoch(
      seconds: times[0], fastestSeconds: -times[1], trainingSeconds: times[2],
      samplesPerSecond: samples.flatMap { times[2] > 0 ? Double($0) / times[2] : nil })
    epochs.append(taken)
    logs["epoch_seconds"] = taken.seconds
    if let rate = taken.samplesPerSecond { logs["samples_per_second"] = rate }
    guard verbose else { return }
    let seconds = ProgressFormat.fixed(taken.seconds, digits: 3)
    let isAlone = (model?.communicator.size ?? 1) == 1
    let fastest =
      isAlone ? "" : ", fastest rank \(ProgressFormat.fixed(taken.fastestSeconds, digits: 3)) s"
    let rate =
      taken.samplesPerSecond.map { ", \(ProgressFormat.fixed($0, digits: 1)) samples/s" } ?? ""
    say("Epoch \(epoch + 1): \(seconds) s\(fastest)\(rate)")
  }
}
