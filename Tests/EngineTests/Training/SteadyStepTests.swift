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
}
