import Engine
import TestSupport
import Testing

/// Gives its input back and remembers the samples that it was trained on.
private final class Witness: Module {
  var seen: [Int64] = []

  func call(_ x: Tensor) -> Tensor {
    if isTraining, !x.isTraced { seen += x.scalars(as: Int64.self) }
    return x.cast(to: .float32) * parameter("scale", shape: [1])
  }
}

@Suite("Orders of samples")
struct SampleOrderTests {
  private static let count = 12
  private static let seed: UInt64 = 6
  private let x = Tensor((0..<Int64(count)).map { [$0] })
  private let y = Tensor.zeros([count, 1])

  private func makeModel() -> (model: Model, witness: Witness) {
    let witness = Witness()
    let model = Model(
      module: witness, loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.001),
      seed: Self.seed, runEagerly: true)
    return (model, witness)
  }

  /// The orders that a model saw, one an epoch.
  private func orders(_ witness: Witness) -> [[Int64]] {
    stride(from: 0, to: witness.seen.count, by: Self.count).map {
      Array(witness.seen[$0..<min($0 + Self.count, witness.seen.count)])
    }
  }

  private func expected(_ epochs: Int...) -> [[Int64]] {
    epochs.map { Permutation.shuffled(count: Self.count, seed: Self.seed, epoch: $0) }
  }

  @Test("A second fit goes on where the first ended")
  func continued() throws {
    let (model, witness) = makeModel()
    for _ in 0..<3 { try model.fit(x: x, y: y, batchSize: 4, verbose: .silent) }
    try model.fit(x: x, y: y, batchSize: 6, epochs: 2, verbose: .silent)
    #expect(orders(witness) == expected(0, 1, 2, 3, 4))
    #expect(Set(orders(witness)).count == 5)
    #expect(model.trainedEpochs == 5)
  }

  @Test("Callbacks and the history count the epochs of one call, as in Keras")
  func numbers() throws {
    let (model, _) = makeModel()
    var epochs: [Int] = []
    let callback = LambdaCallback(onEpochBegin: { epoch, _ in epochs.append(epoch) })
    for _ in 0..<2 {
      let history = try model.fit(
        x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent, callbacks: [callback])
      #expect(history["loss"].count == 2)
    }
    #expect(epochs == [0, 1, 0, 1])
  }

  @Test("initialEpoch gives that epoch's order, whatever was trained before")
  func initialEpoch() throws {
    let (model, witness) = makeModel()
    try model.fit(x: x, y: y, batchSize: 4, epochs: 3, verbose: .silent)
    try model.fit(x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent, initialEpoch: 1)
    try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
    try model.fit(x: x, y: y, batchSize: 4, verbose: .silent, initialEpoch: 0)
    #expect(orders(witness) == expected(0, 1, 2, 1, 2, 0))
    #expect(model.trainedEpochs == 1)
    // A model that is made anew goes on as the first would have.
    let (resumed, other) = makeModel()
    try resumed.fit(x: x, y: y, batchSize: 4, epochs: 5, verbose: .silent, initialEpoch: 3)
    #expect(orders(other) == expected(3, 4))
    let error = EngineError.invalidArgument(message: "initialEpoch is -1: it must be at least 0")
    #expect(throws: error) {
      try resumed.fit(x: x, y: y, verbose: .silent, initialEpoch: -1)
    }
  }

  @Test("An epoch that was stopped, or broken off by an error, does not come again")
  func brokenOff() throws {
    struct Failure: Error {}
    let (model, witness) = makeModel()
    let stop = LambdaCallback(onTrainBatchEnd: { _, _ in model.stopTraining = true })
    let fail = LambdaCallback(onTrainBatchEnd: { step, _ in if step == 1 { throw Failure() } })
    try model.fit(x: x, y: y, batchSize: 4, epochs: 9, verbose: .silent, callbacks: [stop])
    #expect(throws: Failure.self) {
      try model.fit(x: x, y: y, batchSize: 4, epochs: 9, verbose: .silent, callbacks: [fail])
    }
    // Nothing has been trained here.
    #expect(throws: EngineError.self) { try model.fit(x: x, y: y, batchSize: 13) }
    try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
    let orders = expected(0, 1, 2)
    #expect(witness.seen == orders[0][..<4] + orders[1][..<8] + orders[2])
  }

  @Test("Nothing but fit counts: not validation, evaluation, prediction or single batches")
  func others() throws {
    let (model, witness) = makeModel()
    try model.fit(
      x: x, y: y, batchSize: 4, verbose: .silent,
      validationData: ValidationData(x: x[0..<4], y: y[0..<4]))
    _ = try model.evaluate(x: x, y: y)
    let _: Tensor = try model.predict(x: x)
    try model.trainOnBatch(x: x, y: y)
    try model.fit(x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent, shuffle: false)
    try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
    let inOrder = (0..<Int64(Self.count)).map { $0 }
    #expect(
      orders(witness)
        == expected(0) + [inOrder, inOrder, inOrder] + expected(3))
  }
}
