import Engine
import TestSupport
import Testing

@Suite struct SteadyStepTests {
  /// What an epoch allocates is what reading the metrics at its end takes.
  @Test func `an epoch of a hundred steps allocates as often as one of two`() throws {
    func allocations(rows: Int) throws -> Int {
      let model = Model(
        module: Sequential(
          Linear(32, activation: .relu), BatchNormalization(), Dropout(0.5), Linear(4)),
        loss: SparseCategoricalCrossentropy(fromLogits: true),
        metrics: [SparseCategoricalAccuracy()], optimizer: Adam())
      let x = randomNormal([rows, 8], key: RandomKey(seed: 1).tensor)
      let y = Tensor((0..<rows).map { $0 % 4 })
      func fit() throws {
        try model.fit(x: x, y: y, batchSize: 4, verbose: .silent)
      }
      try fit()
      return try StorageStatistics.allocations { try fit() }
    }
    #expect(try allocations(rows: 8) == allocations(rows: 400))
  }

  @Test func `a step is compiled again for another form of the same tensors`() throws {
    final class Pick: Module {
      func call(_ x: [String: Tensor]) -> Tensor { x["a"] ?? -(x["b"] ?? Tensor(0.0)) }
    }
    let model = Model(module: Pick())
    let x = Tensor([[1.0], [2]])
    let first: Tensor = try model.predict(x: ["a": x])
    let second: Tensor = try model.predict(x: ["b": x])
    #expect(first.scalars(as: Double.self) == [1, 2])
    #expect(second.scalars(as: Double.self) == [-1, -2])
  }

  @Test func `a loss that asks for class weights gets those of this call`() throws {
    struct WeightOfClass0: Loss {
      struct Inputs: Decodable {
        let yPred: Tensor
        let classWeight: [String: Double]
      }
      func call(_ i: Inputs) -> Tensor { i.yPred[.all, 0] * 0 + (i.classWeight["0"] ?? 0) }
    }
    let model = Model(
      module: Linear(1), loss: WeightOfClass0(), optimizer: SGD(learningRate: 0.1))
    let (x, y) = (Tensor([[1.0], [2]]), Tensor([0, 0]))
    for weight in [3.0, 5.0] {
      // The loss asks for the weight, and the samples are weighted by it.
      let logs = try model.trainOnBatch(x: x, y: y, classWeight: [0: weight])
      #expect(logs["loss"] == weight * weight)
    }
  }
}
