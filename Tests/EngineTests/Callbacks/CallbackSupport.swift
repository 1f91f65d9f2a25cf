import Engine
import Foundation
import Logging
import Synchronization

/// Stands for a model: remembers what callbacks do to it.
final class ModelStub: TrainingControl {
  var stopTraining = false
  var learningRate = 0.1 {
    didSet { if roundsRates { learningRate = Double(Float(learningRate)) } }
  }
  /// Whether the learning rate is float32, as that of an optimizer.
  var roundsRates = false
  var learningRateSchedule: String?
  var isChief: Bool { communicator.rank == 0 }
  let communicator: any Communicator
  /// The epoch whose weights the model has.
  var weights = -1
  var snapshots = 0
  var saved: [String] = []

  init(communicator: any Communicator = LocalCommunicator()) { self.communicator = communicator }

  func weightsSnapshot() -> WeightsSnapshot {
    snapshots += 1
    return WeightsSnapshot(tensors: [Tensor(weights)])
  }
  func restore(_ snapshot: WeightsSnapshot) { weights = Int(snapshot.tensors[0].item()) }
  func saveWeights(to path: String) { saved.append(path) }
}

/// Runs the epochs of a training whose logs are known; returns the logs that `History` got.
func runTraining(
  _ callbacks: [Callback], _ model: ModelStub, epochs: [Logs], steps: Int = 1
) throws -> History {
  let list = CallbackList(
    callbacks, model: model,
    parameters: RunParameters(epochs: epochs.count, steps: steps, verbosity: .silent))
  try list.trainBegin()
  for (epoch, logs) in epochs.enumerated() {
    try list.epochBegin(epoch)
    for step in 0..<steps {
      try list.trainBatchBegin(step)
      try list.trainBatchEnd(step, list.batchLogSteps(steps).contains(step) ? logs : [:])
      if model.stopTraining { break }
    }
    model.weights = epoch
    try list.epochEnd(epoch, logs)
    if model.stopTraining { break }
  }
  try list.trainEnd([:])
  return list.history
}

/// Text that was written, for tests.
final class TextLog: Sendable {
  private let parts = Mutex<[String]>([])
  var text: String { parts.withLock { $0.joined() } }
  var lines: [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  func output(isTerminal: Bool = false, columns: Int? = nil) -> TextOutput {
    TextOutput(isTerminal: isTerminal, columns: { columns }) { [self] text in
      parts.withLock { $0.append(text) }
    }
  }
  func clear() { parts.withLock { $0 = [] } }
}

/// A communicator of two ranks of which the test is one; the other one says what is given here.
final class TwoRanks: Communicator {
  let rank: Int
  let size = 2
  private let other: Int32
  init(rank: Int, other: Int32) {
    self.rank = rank
    self.other = other
  }
  func allReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) {
    let value = buffer.assumingMemoryBound(to: Int32.self)
    value.pointee = operation == .min ? min(value.pointee, other) : max(value.pointee, other)
  }
  func startAllReduce(
    _ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, operation: ReduceOperation
  ) -> Int { 0 }
  func wait(_ token: Int) {}
  func test(_ token: Int) -> Bool { true }
  func broadcast(_ buffer: UnsafeMutableRawPointer, count: Int, dtype: DType, root: Int) {
    if rank != root { buffer.assumingMemoryBound(to: Int32.self).pointee = other }
  }
  func allGather(
    _ send: UnsafeRawPointer, counts: [Int], dtype: DType, into: UnsafeMutableRawPointer
  ) {}
  func barrier() {}
  func abort(message: String, code: Int32) -> Never { preconditionFailure(message) }
}

/// A path of a file that does not exist, removed again after `body`.
func withTemporaryFile<R>(_ body: (String) throws -> R) rethrows -> R {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent(
    "callbacks-\(UUID().uuidString)"
  ).path
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Logs of epochs with only a validation loss.
func lossLogs(_ values: [Double]) -> [Logs] { values.map { ["val_loss": $0] } }
