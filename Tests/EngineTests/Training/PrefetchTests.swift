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
        model.module.parameters.flatMap { $0.value.scalars(as: Float.self) },
        (history.history["loss"] ?? []) + (history.history["val_loss"] ?? [])
      )
    }
    let (plain, ahead) = (try train(ahead: false), try train(ahead: true))
    #expect(plain.losses.count == 6)
    #expect(ahead.losses == plain.losses)
    #expect(ahead.weights == plain.weights)
  }

  @Test func `training can stop while a batch is being copied`() throws {
    let model = Model(
      module: Linear(2), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    model.prefetcher = Prefetcher()
    let stop = LambdaCallback(onTrainBatchEnd: { step, _ in
      if step == 1 { model.stopTraining = true }
    })
    try model.fit(
      x: Tensor.ones([40, 3]), y: Tensor.ones([40, 2]), batchSize: 4, epochs: 2, verbose: .silent,
      callbacks: [stop])
    let first = try model.evaluate(x: Tensor.ones([40, 3]), y: Tensor.ones([40, 2]), batchSize: 4)
    #expect(first["loss"]?.isFinite == true)
  }
}
