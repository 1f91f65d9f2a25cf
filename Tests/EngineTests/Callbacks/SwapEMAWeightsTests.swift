import Engine
import Foundation
import TestSupport
import Testing

@Suite(.seeded) struct SwapEMAWeightsTests {
  private static let x = randomNormal([24, 3], key: RandomKey(seed: 2))
  private static let y = x.sum(axis: 1, keepDims: true)

  private static func model(useEMA: Bool = true) -> Model {
    Model(
      module: Linear(1), loss: MeanSquaredError(),
      optimizer: SGD(
        learningRate: 0.05, options: OptimizerOptions(useEMA: useEMA, emaMomentum: 0.8)),
      seed: 6)
  }

  @discardableResult
  private static func train(_ model: Model, _ callbacks: [Callback]) throws -> History {
    try model.fit(
      x: x, y: y, batchSize: 8, epochs: 4, verbose: .silent, callbacks: callbacks,
      validationData: ValidationData(x: x, y: y))
  }

  private static func values(_ variables: [Variable]) -> [[Float]] {
    variables.map { $0.value.scalars(as: Float.self) }
  }

  @Test func `validation sees the averages, training the trained weights`() throws {
    let (plain, swapping) = (Self.model(), Self.model())
    var isInside: [Bool] = []
    func look(_ expectsAverages: Bool) {
      let averages = swapping.optimizer?.averages ?? []
      let isAverage =
        Self.values(averages.map(\.parameter)) == Self.values(averages.map(\.average))
      isInside.append(isAverage == expectsAverages && averages.count == 2)
    }
    let looking = LambdaCallback(
      onEpochEnd: { _, _ in look(false) },
      onTrainBatchEnd: { step, _ in if step > 0 { look(false) } },
      onTestBegin: { _ in look(true) })
    let history = try Self.train(swapping, [SwapEMAWeights(), looking])
    let expected = try Self.train(plain, [])
    #expect(isInside.count == 16 && isInside.allSatisfy { $0 })
    #expect(history["loss"] == expected["loss"])
    #expect(history["val_loss"] != expected["val_loss"])
    // `fit` ends with the averages, with which validation has been made last.
    let end = try plain.evaluate(x: Self.x, y: Self.y, batchSize: 8)["loss"]
    #expect(history["val_loss"].last == end)
    #expect(swapping.weightsSHA256 == plain.weightsSHA256)
  }

  @Test func `with swapOnEpoch the callbacks behind it see the averages too`() throws {
    let path = TemporaryFolder.path("averages-\(UUID().uuidString)-{epoch}.safetensors")
    let model = Self.model()
    let history = try Self.train(
      model, [SwapEMAWeights(swapOnEpoch: true), ModelCheckpoint(path: path)])
    let expected = try Self.train(Self.model(), [])
    #expect(history["loss"] == expected["loss"])
    let loaded = Self.model()
    _ = try loaded.evaluate(x: Self.x, y: Self.y)
    for (epoch, loss) in history["val_loss"].enumerated() {
      try loaded.loadWeights(from: path.replacing("{epoch}", with: "\(epoch + 1)"))
      #expect(try loaded.evaluate(x: Self.x, y: Self.y, batchSize: 8)["loss"] == loss)
    }
  }

  @Test(arguments: [false, true])
  func `a run that is stopped ends with the averages`(_ swapOnEpoch: Bool) throws {
    let model = Self.model()
    let stopping = LambdaCallback(onEpochEnd: { epoch, _ in
      if epoch == 1 { model.stopTraining = true }
    })
    let history = try Self.train(model, [SwapEMAWeights(swapOnEpoch: swapOnEpoch), stopping])
    let loss = try model.evaluate(x: Self.x, y: Self.y, batchSize: 8)["loss"]
    #expect(history.epoch.count == 2 && history["val_loss"].last == loss)
  }

  @Test func `predictions and evaluations by themselves give the weights back`() throws {
    let model = Self.model()
    var isBack: [Bool] = []
    let looking = LambdaCallback(onEpochEnd: { _, _ in
      let before = model.weightsSHA256
      let plain: Tensor = try model.predict(x: Self.x)
      let averaged: Tensor = try model.predict(x: Self.x, callbacks: [SwapEMAWeights()])
      let logs = try model.evaluate(x: Self.x, y: Self.y, callbacks: [SwapEMAWeights()])
      let loss = square(averaged - Self.y).mean().item()
      isBack.append(
        model.weightsSHA256 == before && abs(plain - averaged).max().item() > 1e-4
          && abs(loss - (logs["loss"] ?? .nan)) < 1e-5)
    })
    try Self.train(model, [looking])
    #expect(isBack == [true, true, true, true])
  }

  @Test func `an optimizer without averages is an error that says what to do`() throws {
    let text =
      "SwapEMAWeights: the optimizer keeps no averages of the weights: give it options: "
      + "OptimizerOptions(useEMA: true)"
    let model = Self.model(useEMA: false)
    expectError(text) { try Self.train(model, [SwapEMAWeights()]) }
    expectError(text) {
      _ = try model.evaluate(x: Self.x, y: Self.y, callbacks: [SwapEMAWeights()])
    }
    expectError(text) {
      _ = try runTraining([SwapEMAWeights()], ModelStub(), epochs: [["loss": 1]])
    }
    // Before the first step there is nothing to swap.
    let fresh = Self.model()
    _ = try fresh.evaluate(x: Self.x, y: Self.y, callbacks: [SwapEMAWeights()])
  }
}
