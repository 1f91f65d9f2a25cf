import Dist
import Engine
import Foundation
import TestSupport

/// Batch normalisation has statistics that ranks must average.
private final class Normed: Module {
  func call(_ x: Tensor) -> Tensor { Linear(1)(BatchNormalization()(Linear(4)(x))) }
}

private func makeModel() -> Model {
  Model(module: Normed(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.05))
}

private var x: Tensor { randomNormal([24, 3], key: RandomKey(seed: 3)) }
private var y: Tensor { x.sum(axis: 1, keepDims: true) }

/// The last rank multiplies matrices that do not fit; nothing after it may run, and nobody may wait for ever.
func checkWrongShape() throws {
  let communicator = DistributionContext.strategy.communicator
  if communicator.rank == communicator.size - 1 {
    let poisoned = matmul(Tensor.ones([2, 3]), Tensor.ones([2, 3]))
    print("went on with \(poisoned)")
  }
  try communicator.barrier()
}

/// Rank 0 saves, evaluates and predicts by itself, also what was trained batch by batch, and training goes on after it.
func checkAlone() throws {
  let model = makeModel()
  try model.fit(x: x, y: y, batchSize: 8, epochs: 2, verbose: .silent)
  try checkChief(model, "after fit")
  for _ in 0..<2 { try model.trainOnBatch(x: x, y: y) }
  try checkChief(model, "after trainOnBatch")
  // A callback in the middle of an epoch.
  let saving = LambdaCallback(onTrainBatchEnd: { _, _ in
    if model.isChief { try model.saveWeights(to: temporaryPath()) }
  })
  try model.fit(x: x, y: y, batchSize: 8, epochs: 1, verbose: .silent, callbacks: [saving])
  try checkChief(model, "after another fit")

  // A model whose first batch is rank 0's alone is still one model afterwards.
  let fresh = makeModel()
  if fresh.isChief { _ = try alone { try fresh.evaluate(x: x, y: y) } }
  try fresh.fit(x: x, y: y, batchSize: 8, epochs: 1, verbose: .silent)
  try agree(
    on: [fresh.weightsSHA256], subject: "the weights", communicator: fresh.communicator)
}

private func checkChief(_ model: Model, _ when: String) throws {
  let together = try model.evaluate(x: x, y: y, batchSize: 8)
  let predictions: Tensor = try model.predict(x: x)
  if model.isChief {
    let path = temporaryPath()
    try model.saveWeights(to: path)
    let (logs, own) = try alone {
      (try model.evaluate(x: x, y: y, batchSize: 8), try model.predict(x: x, as: Tensor.self))
    }
    try requireClose(logs["loss"] ?? .nan, together["loss"] ?? .nan, "\(when): the loss alone")
    let difference = (own - predictions).abs().max().item()
    try require(difference < 1e-5, "\(when): predictions alone differ by \(difference)")
    let loaded = Normed()
    _ = loaded(x)
    try loaded.loadWeights(from: path)
    loaded.eval()
    let read = (loaded(x) - predictions).abs().max().item()
    try require(read < 1e-5, "\(when): predictions of the saved weights differ by \(read)")
    try FileManager.default.removeItem(atPath: path)
  }
  // The others are here already.
  try model.communicator.barrier()
}

private func requireClose(_ a: Double, _ b: Double, _ what: String) throws {
  try require(abs(a - b) <= 1e-5 * max(1, abs(b)), "\(what): \(a) and \(b)")
}

private func temporaryPath() -> String {
  FileManager.default.temporaryDirectory
    .appendingPathComponent("apus-\(ProcessInfo.processInfo.processIdentifier).safetensors").path
}

/// A model that outlives its strategy says what to do, and works on each rank by itself.
@Sendable func checkAfterSession() throws {
  let model = try withStrategy(.mpi) {
    let model = makeModel()
    try model.fit(x: x, y: y, batchSize: 8, epochs: 1, verbose: .silent)
    return model
  }
  let size = model.communicator.size
  if size > 1 {
    let error = try requireError("evaluate after MPI has ended") {
      _ = try model.evaluate(x: x, y: y)
    }
    try require("\(error)".contains("withStrategy(.mpi) has returned"), "unexpected text: \(error)")
  }
  let logs = try alone { try model.evaluate(x: x, y: y) }
  try require(logs["loss"]?.isFinite == true, "the loss alone is \(logs)")
  if model.isChief {
    let path = temporaryPath()
    try model.saveWeights(to: path)
    try FileManager.default.removeItem(atPath: path)
    print("passed: after-session on \(size)")
  }
}

/// Trains without any strategy: an error under a launcher with several ranks.
@Sendable func checkWithoutStrategy() throws {
  let model = makeModel()
  try model.fit(x: x, y: y, batchSize: 8, epochs: 1, verbose: .silent)
  print("passed: without-strategy on 1")
}

/// The same on purpose.
@Sendable func checkEachAlone() throws {
  try alone {
    let model = makeModel()
    try model.fit(x: x, y: y, batchSize: 8, epochs: 1, verbose: .silent)
  }
  print("trained alone")
}
