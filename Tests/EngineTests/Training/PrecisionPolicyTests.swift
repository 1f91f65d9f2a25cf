import Engine
import TestSupport
import Testing

/// To the nearest number with 8 bits of precision, ties to even (IEEE 754 with a short significand).
private func rounded(_ x: Float) -> Float {
  let bits = x.bitPattern
  return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
}

private func product(_ a: Tensor, _ b: Tensor) throws -> Plan {
  try Plan(
    try Trace.record([a.spec, b.spec]) { [matmul($0[0], $0[1])] },
    passes: [BFloat16Products()] + Passes.standard)
}

@Suite struct PrecisionPolicyTests {
  /// Rounded factors multiply without error in float32, so only the order of the sums may differ.
  @Test(arguments: [
    [12, 32, 16], [13, 33, 17], [25, 70, 1030], [128, 40, 515], [150, 520, 64],
  ])
  func `a product rounds its factors and adds up in float32`(sizes: [Int]) throws {
    let (m, n, k) = (sizes[0], sizes[1], sizes[2])
    var generator = SeededGenerator(seed: 3)
    let a = generator.uniform([m, k], dtype: .float32)
    let b = generator.uniform([k, n], dtype: .float32)
    func values(_ x: Tensor) -> Tensor {
      Tensor(x.scalars(as: Float.self).map { Double(rounded($0)) }, shape: x.shape)
        .cast(to: .float64)
    }
    let expected = matmul(values(a), values(b)).cast(to: .float32)
    for threads in [1, 3] {
      let plan = try ComputeThreads.with(threads) { try product(a, b) }
      #expect(plan.description.contains("matMul[bfloat16]"))
      expectClose(try plan([a, b])[0], expected, atol: 1e-6 * Double(k), rtol: 1e-5)
    }
    let transposedPlan = try Plan(
      try Trace.record([[k, m], [n, k]].map { TensorSpec(Shape($0), .float32) }) {
        [matmul(transpose($0[0]), transpose($0[1]))]
      }, passes: [BFloat16Products()])
    let flipped = try transposedPlan([transpose(a).contiguous(), transpose(b).contiguous()])[0]
    expectClose(flipped, expected, atol: 1e-6 * Double(k), rtol: 1e-5)
  }

  @Test func `small products and other types stay as they are`() throws {
    for (a, b, dtype) in [([64, 64], [64, 10], DType.float32), ([64, 64], [64, 64], .float64)] {
      let plan = try product(
        .ones(Shape(a), dtype: dtype), .ones(Shape(b), dtype: dtype))
      #expect(plan.description.contains("matMul("))
    }
  }

  @Test func `digits are learned as well with it as without`() throws {
    let digits = try Digits.load()
    // The last rows are by other writers: a random fifth is held out.
    let order = Tensor(Permutation.shuffled(count: Digits.count, seed: 7, epoch: 0))
    let x = take(digits.images.reshape([Digits.count, 64]), order)
    let y = take(digits.labels, order)
    func accuracy(_ bfloat16: Bool) throws -> Double {
      let model = Model(
        module: Sequential(
          Rescaling(1.0 / 16), Linear(64, activation: .relu), Linear(32, activation: .relu),
          Linear(10)),
        loss: SparseCategoricalCrossentropy(fromLogits: true),
        metrics: [SparseCategoricalAccuracy(name: "accuracy")], optimizer: Adam(learningRate: 3e-3),
        precision: bfloat16 ? .mixedBFloat16 : .float32)
      if bfloat16 { model.usesBFloat16 = true }
      let history = try model.fit(
        x: x, y: y, batchSize: 64, epochs: 20, verbose: .silent, validationSplit: 0.2)
      return history.history["val_accuracy"]?.last ?? 0
    }
    let (exact, mixed) = (try accuracy(false), try accuracy(true))
    // 360 samples, 97 % right: the standard error of the difference of two such shares is 1.3 %.
    #expect(exact > 0.94 && mixed > 0.94)
    #expect(abs(exact - mixed) < 0.026)
  }

  @Test func `without a measured gain the policy is that of float32`() throws {
    func train(_ precision: PrecisionPolicy) throws -> [Float] {
      let model = Model(
        module: Linear(64), loss: MeanSquaredError(), optimizer: SGD(), precision: precision)
      if precision == .mixedBFloat16 { model.usesBFloat16 = false }
      let x = randomNormal([32, 40], key: RandomKey(seed: 1).tensor)
      try model.fit(x: x, y: Tensor.ones([32, 64]), batchSize: 32, verbose: .silent)
      return model.module.trainableVariables.flatMap { $0.value.scalars(as: Float.self) }
    }
    #expect(try train(.mixedBFloat16) == train(.float32))
  }

  @Test func `whether it is a gain is measured when the model is built`() throws {
    let model = Model(
      module: Linear(64), loss: MeanSquaredError(), optimizer: SGD(), precision: .mixedBFloat16)
    try model.fit(
      x: randomNormal([32, 40], key: RandomKey(seed: 1).tensor), y: Tensor.ones([32, 64]),
      batchSize: 32, verbose: .silent)
    #expect(model.usesBFloat16 == BFloat16.isFaster)
    #expect(BFloat16.speedup > 0)
    #expect(ProductSpeed.gflops(size: 64, repetitions: 2, threads: 2) > 0)
  }
}
