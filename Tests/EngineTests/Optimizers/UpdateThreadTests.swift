import Engine
import TestSupport
import Testing

@Suite("Updates on threads", .serialized)
struct UpdateThreadTests {
  /// Two vectors beyond the grain, whose lengths no vector of the CPU divides.
  @Test(
    "the same bits on several threads, whatever the optimizer",
    arguments: try OptimizerTable.singleCases())
  func sameBits(_ example: FixtureCase) throws {
    func update(_ threads: Int) throws -> [Double] {
      try ComputeThreads.with(threads) {
        let optimizer = try OptimizerTable.make(example)
        let values = (0..<4).map {
          randomNormal([$0 % 2 == 0 ? 50_003 : 17], key: RandomKey(seed: 6, stream: UInt64($0)))
        }
        let variables = OptimizerTests.variables(Array(values[..<2]))
        for step in 1...3 {
          try withErrors {
            try optimizer.apply(variables, values[2...].map { $0 * Double(step) - 0.5 })
          }
        }
        return variables.flatMap { $0.value.scalars(as: Double.self) }
      }
    }
    let one = try update(1)
    let isFinite = one.allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(try update(3) == one)
  }

  @Test func `an optimizer's update is the same on several threads`() throws {
    func train(_ threads: Int) throws -> [Float] {
      try ComputeThreads.with(threads) {
        let model = Model(
          module: Linear(300), loss: MeanSquaredError(), optimizer: Adam(learningRate: 0.01))
        let x = randomNormal([8, 250], key: RandomKey(seed: 1).tensor)
        let y = randomNormal([8, 300], key: RandomKey(seed: 2).tensor)
        try model.fit(x: x, y: y, batchSize: 4, epochs: 2, verbose: .silent)
        return model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) }
      }
    }
    let one = try train(1)
    #expect(one.count == 250 * 300 + 300)
    #expect(try train(3) == one)
  }
}
