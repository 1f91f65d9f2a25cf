import Engine
import TestSupport
import Testing

@Suite("Batch normalization of masked steps") struct MaskedNormalizationTests {
  /// Announces a mask, as an embedding does.
  private final class Announcing: Module {
    let mask: Tensor
    init(_ mask: Tensor) {
      self.mask = mask
      super.init()
    }
    func call(_ x: Tensor) -> Tensor {
      setMask(mask)
      return x
    }
  }

  @Test(
    "Values, gradients and moving statistics are Keras's",
    arguments: try Fixture.load("masked_normalization", from: .module).cases,
    [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let momentum = try Fixture.load("masked_normalization", from: .module)["momentum"].double()
    // Keras divides by the number of steps + 1e-7.
    let tolerance = dtype == .float64 ? 1e-7 : 1e-5
    let layer = BatchNormalization(momentum: momentum)
    let model = Sequential(Announcing(try example["mask"].tensor()), layer)
    if try !example["training"].bool() { model.eval() }
    let x = try example["x"].tensor(dtype)
    let cotangent = try example["cotangent"].tensor(dtype)
    try model.initialize(x)
    func reset() throws {
      for (path, variable) in layer.namedVariables {
        variable.value = try example[path].tensor(dtype)
      }
    }
    for isCompiled in [false, true] {
      try reset()
      let run = { (x: Tensor) in model(x) }
      let output = isCompiled ? try jit(run)(x) : run(x)
      expectClose(
        output, try example["output"].tensor(.float64), atol: tolerance, rtol: tolerance)
      for (path, variable) in layer.namedVariables where path.hasPrefix("moving") {
        expectClose(
          variable.value, try example[path + "_after"].tensor(.float64), atol: tolerance,
          rtol: tolerance, path)
      }
      try reset()
      let loss = { (x: Tensor) in sum(model(x) * cotangent) }
      let slope = grad(loss)
      expectClose(
        isCompiled ? try jit { (x: Tensor) in try slope(x) }(x) : try slope(x),
        try example["input_gradient"].tensor(.float64), atol: tolerance, rtol: tolerance)
      try reset()
      let gradients = try grad(of: model) { loss(x) }
      for path in gradients.paths {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        expectClose(
          try #require(gradients[path]), try example[name + "_gradient"].tensor(.float64),
          atol: tolerance, rtol: tolerance, path)
      }
    }
  }

  @Test("What is masked does not matter, even NaN; a batch that is all masked moves nothing")
  func unseen() throws {
    let mask = Tensor([[true, false], [true, false]])
    let layer = BatchNormalization(momentum: 0.5)
    let model = Sequential(Announcing(mask), layer)
    _ = model(Tensor([[[1.0], [.nan]], [[3.0], [.infinity]]]))
    // The mean of 1 and 3 is 2, the variance 1.
    expectClose(layer.moving_mean as Tensor, [1])
    expectClose(layer.moving_variance as Tensor, [1])
    let silent = Sequential(Announcing(Tensor.zeros([2, 2], dtype: .bool)), layer)
    let output = silent(Tensor([[[1.0], [2]], [[3.0], [4]]]))
    #expect(output.scalars(as: Double.self).allSatisfy { $0.isFinite })
    expectClose(layer.moving_mean as Tensor, [1])
    expectClose(layer.moving_variance as Tensor, [1])
  }

  @Test("A mask of other steps is an error")
  func wrongMask() {
    let model = Sequential(Announcing(Tensor.zeros([2, 3], dtype: .bool)), BatchNormalization())
    #expect(throws: EngineError.self) { try withErrors { model(.zeros([2, 2, 1])) } }
  }
}
