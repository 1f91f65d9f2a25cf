import Engine
import TestSupport
import Testing

/// Graphs drawn at random: no plan may change what a program computes. Every plan is verified as well.
@Suite struct RandomGraphTests {
  private func data(_ rows: Int, _ dtype: DType) -> (x: Tensor, y: Tensor) {
    var draw = SeededGenerator(seed: 11)
    return (draw.uniform([rows, 12], dtype: dtype), draw.uniform([rows, 12], dtype: dtype))
  }

  /// The weights after two steps of Adam, by path.
  private func train(
    _ number: Int, _ strategy: any DistributionStrategy, x: Tensor, y: Tensor, eagerly: Bool = false
  ) throws -> [(path: String, value: Tensor)] {
    try DistributionContext.$strategy.withValue(strategy) {
      let model = Model(
        module: RandomNetwork(seed: UInt64(number), steps: 12), loss: MeanSquaredError(),
        optimizer: SGD(learningRate: 0.1, momentum: 0.5), seed: 5, runEagerly: eagerly)
      try model.fit(x: x, y: y, batchSize: x.shape[0], epochs: 2, verbose: .silent, shuffle: false)
      return model.module.namedVariables.map { ($0.path, $0.variable.value) }
    }
  }

  private func expectSame(
    _ found: [(path: String, value: Tensor)], _ expected: [(path: String, value: Tensor)],
    _ name: String
  ) {
    #expect(found.map(\.path) == expected.map(\.path))
    for (own, other) in zip(found, expected) {
      let scale = max(abs(other.value)).item()
      expectClose(own.value, other.value, atol: 1e-6 * scale, rtol: 0, "\(name): \(own.path)")
    }
  }

  @Test(arguments: 0..<40)
  func `compiled and eager steps give the same weights`(number: Int) throws {
    let (x, y) = data(6, number % 2 == 0 ? .float64 : .float32)
    let compiled = try train(number, SingleProcess(), x: x, y: y)
    let eager = try train(number, SingleProcess(), x: x, y: y, eagerly: true)
    expectSame(compiled, eager, "graph \(number)")
  }

  @Test(arguments: 0..<40)
  func `sums over ranks in buckets of any size give the weights of one process`(number: Int) throws
  {
    let (x, y) = data(6, .float64)
    let expected = try train(number, SingleProcess(), x: x, y: y)
    for limits in [BucketLimits(bytes: 0), BucketLimits(bytes: 200), .sharedMemory] {
      let ranks = EqualRanks(size: 3)
      let strategy = FixedStrategy(ranks, gradientReduction: BucketedAllReduce(limits: limits))
      // Every rank has the same rows, so that all together have each of them three times.
      let shares = (concatenate([x, x, x]), concatenate([y, y, y]))
      let found = try train(number, strategy, x: shares.0, y: shares.1)
      expectSame(found, expected, "graph \(number) in buckets of \(limits.otherBytes)")
      #expect(ranks.pendingCount == 0)
    }
  }

  @Test func `a gradient can be an input, a constant or the value of a variable`() throws {
    final class Plain: Module {
      func call(_ x: Tensor) -> Tensor {
        let shift = parameter("shift", shape: [12], initializer: Zeros())
        let slope = parameter("slope", shape: [6, 12], initializer: Ones())
        addLoss("rows", sum(slope * x))
        addLoss("ones", sum(shift * 3.0))
        return parameter("unused", shape: [4], initializer: Ones()) * 0.0
      }
    }
    let (x, _) = data(6, .float32)
    func train(_ strategy: any DistributionStrategy, _ x: Tensor) throws -> [Tensor] {
      try DistributionContext.$strategy.withValue(strategy) {
        let model = Model(module: Plain(), optimizer: SGD(learningRate: 0.5))
        try model.fit(x: x, batchSize: x.shape[0], verbose: .silent, shuffle: false)
        return model.module.namedVariables.map(\.variable.value)
      }
    }
    let ranks = FixedStrategy(
      EqualRanks(size: 2), gradientReduction: BucketedAllReduce(limits: BucketLimits(bytes: 0)))
    let found = try train(ranks, concatenate([x, x]))
    expectClose(found[0], [Double](repeating: -1.5, count: 12), atol: 0)
    expectClose(found[1], 1.0 - 0.5 * x, atol: 1e-6)
    expectClose(found[2], [1, 1, 1, 1], atol: 0)
  }

  @Test func `gaps between gradients are zero at every step`() throws {
    final class Odd: Module {
      func call(_ x: Tensor) -> Tensor {
        let h = tanh(Linear(7)(x))
        return Linear(12)(tanh(Linear(5)(h)))
      }
    }
    let ranks = EqualRanks(size: 2)
    nonisolated(unsafe) var messages = 0
    ranks.observer = { bytes in
      // Parameters of 12 x 7, 7, 5 x 12, 12, 7 x 5 and 5 numbers, last ones first, from one line of 64 bytes to the next.
      let counts = [5, 35, 12, 60, 7, 84]
      guard bytes.count > 900 else { return }
      messages += 1
      var start = 0
      for count in counts.dropLast() {
        let end = (start + 4 * count + 63) / 64 * 64
        #expect(bytes[(start + 4 * count)..<end].allSatisfy { $0 == 0 })
        start = end
      }
    }
    let (x, y) = data(8, .float32)
    try DistributionContext.$strategy.withValue(FixedStrategy(ranks)) {
      let model = Model(module: Odd(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
      try model.fit(x: x, y: y, batchSize: 8, epochs: 3, verbose: .silent)
    }
    #expect(messages == 3)
  }
}
