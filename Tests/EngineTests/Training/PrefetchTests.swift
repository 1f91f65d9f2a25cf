import Engine
import TestSupport
import Testing

@Suite struct PrefetchTests {
  /// 22 samples in batches of 5: four whole ones and a short one, whose plan is another.
  @Test func `training is the same whether batches are copied ahead of time or not`() throws {
    func train(ahead: Bool) throws -> (weights: [Float], losses: [Double]) {
      let model = Model(
        module: Sequential(Rescaling(1.0 / 255), Linear(6, activation: .relu), Linear(3)),
        loss: SparseCategoricalCrossentropy(fromLogits: true), optimizer: SGD(learningRate: 0.1))
      model.prefetcher = ahead ? Prefetcher() : nil
      let x = floor(randomUniform([22, 10], key: RandomKey(seed: 1).tensor) * 256.0)
      let y = Tensor((0..<22).map { $0 % 3 })
      let history = try model.fit(
        x: x.cast(to: .uint8), y: y, batchSize: 5, epochs: 3, verbose: .silent,
        validationData: ValidationData(x: x.cast(to: .uint8), y: y))
      return (
        model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) },
        (history.history["loss"] ?? []) + (history.history["val_loss"] ?? [])
      )
    }
    let (plain, ahead) = (try train(ahead: false), try train(ahead: true))
    #expect(plain.losses.count == 6)
    #expect(ahead.losses == plain.losses)
    #expect(ahead.weights == plain.weights)
  }

  /// Trains in four batches of 5 with a callback after each, and gives the loss on all samples.
  private func loss(
    ahead: Bool, _ afterStep: @escaping (Model, Int) throws -> Void
  ) throws -> Double? {
    let model = Model(
      module: Linear(2), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    model.prefetcher = ahead ? Prefetcher() : nil
    let (x, y) = (noise([20, 3]), noise([20, 2], seed: 2))
    try model.fit(
      x: x, y: y, batchSize: 5, epochs: 2, verbose: .silent,
      callbacks: [LambdaCallback(onTrainBatchEnd: { step, _ in try afterStep(model, step) })])
    return try model.evaluate(x: x, y: y, batchSize: 5)["loss"]
  }

  @Test func `training can stop while a batch is being copied`() throws {
    let stop: (Model, Int) -> Void = { model, step in if step == 1 { model.stopTraining = true } }
    let stopped = try #require(try loss(ahead: true, stop))
    #expect(try stopped == loss(ahead: false, stop))
    #expect(try stopped != loss(ahead: true) { _, _ in })
  }

  /// The step of the callback has the plan, and so the memory, of those around it.
  @Test func `a callback can train on other samples in between`() throws {
    let other: (Model, Int) throws -> Void = { model, _ in
      try model.trainOnBatch(
        x: noise([5, 3], seed: 3), y: noise([5, 2], seed: 4), resetMetrics: false)
    }
    let ahead = try #require(try loss(ahead: true, other))
    #expect(try ahead == loss(ahead: false, other))
  }
}
