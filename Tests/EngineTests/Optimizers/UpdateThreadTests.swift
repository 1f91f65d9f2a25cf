import Engine
import Testing

@Suite("Updates on threads", .serialized)
struct UpdateThreadTests {
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
