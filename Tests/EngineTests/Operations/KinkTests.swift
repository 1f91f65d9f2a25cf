import Engine
import Foundation
import TestSupport
import Testing

/// Functions where they have corners, with the gradients that PyTorch takes there.
@Suite("Corners and ties") struct KinkTests {
  private static func cases(_ kind: String) throws -> [FixtureCase] {
    try Fixture.load("kinks", from: .module).cases.filter { try $0["kind"].string() == kind }
  }

  private func activation(_ name: String) throws -> (Tensor) throws -> Tensor {
    let known: [String: ActivationFunction] = [
      "relu": .relu, "relu6": .relu6, "leakyReLU": .leakyReLU(slope: 0.25), "elu": .elu(),
      "elu 2": .elu(alpha: 2), "selu": .selu, "celu": .celu(), "celu 2": .celu(alpha: 2),
      "softplus": .softplus, "logSigmoid": .logSigmoid, "softsign": .softsign,
      "hardTanh": .hardTanh, "hardSigmoid": .hardSigmoid,
      "threshold": .threshold(0.5, value: 2), "softShrink": .softShrink(),
      "hardShrink": .hardShrink(), "tanhShrink": .tanhShrink, "silu": .silu, "mish": .mish,
      "gelu": .gelu,
    ]
    if name == "abs" { return { abs($0) } }
    if name == "prelu" {
      let layer = PReLU(alphaInitializer: Constant(0.25), sharedAxes: [1])
      return { x in layer(x.reshape([1, -1])).reshape([-1]) }
    }
    return try #require(known[name]).callAsFunction
  }

  /// The value and the gradient of its sum, at once and compiled.
  private func check(
    _ x: Tensor, _ expected: JSONValue, _ gradient: JSONValue,
    _ function: @escaping (Tensor) throws -> Tensor
  ) throws {
    let tolerance = x.dtype == .float64 ? 1e-8 : 2e-6
    let slope = grad { (x: Tensor) in sum(try function(x)) }
    let results = [
      (try withErrors { try function(x) }, try slope(x)),
      (
        try jit { (x: Tensor) in try function(x) }(x),
        try jit { (x: Tensor) in try slope(x) }(x)
      ),
    ]
    for (output, actual) in results {
      expectClose(output, try expected.tensor(.float64), atol: tolerance, rtol: tolerance)
      expectClose(
        actual, try gradient.tensor(.float64), atol: tolerance, rtol: tolerance, "gradient")
    }
  }

  @Test(
    "Activations at their corners", arguments: try KinkTests.cases("activation"),
    [DType.float32, .float64])
  func activations(_ example: FixtureCase, _ dtype: DType) throws {
    let function = try activation(example.name)
    try check(
      try example["x"].tensor(dtype), try example["output"], try example["gradient"], function)
    // NaN stays NaN; where PyTorch has no value for infinity (∞ − ∞ inside) it does not matter.
    let special = Tensor([Double.nan, .infinity, -.infinity]).cast(to: dtype)
    let values = try withErrors { try function(special) }.scalars(as: Double.self)
    let expected = try example["special"].tensor(.float64).scalars(as: Double.self)
    #expect(values[0].isNaN)
    for index in [1, 2] where !expected[index].isNaN {
      expectClose(values[index], expected[index], atol: 1e-6, rtol: 1e-6)
    }
  }

  @Test("Functions of two tensors where they are equal", arguments: try KinkTests.cases("pair"))
  func pairs(_ example: FixtureCase) throws {
    let functions: [String: (Tensor, Tensor) -> Tensor] = [
      "maximum": maximum, "minimum": minimum, "logAddExp": logAddExp,
      "meanAbsoluteError": { meanAbsoluteError($1.reshape([-1, 1]), $0.reshape([-1, 1])) },
      "huber": { huber($1.reshape([-1, 1]), $0.reshape([-1, 1]), delta: 0.5) },
    ]
    let function = try #require(functions[example.name])
    let (a, b) = (try example["a"].tensor(.float64), try example["b"].tensor(.float64))
    try check(a, try example["output"], try example["a_gradient"]) { function($0, b) }
    try check(b, try example["output"], try example["b_gradient"]) { function(a, $0) }
  }

  @Test(
    "Norms of rows with zeros, of any order", arguments: try KinkTests.cases("norm"),
    [DType.float32, .float64])
  func norms(_ example: FixtureCase, _ dtype: DType) throws {
    let order = try example["order"].double()
    try check(
      try example["x"].tensor(dtype), try example["output"], try example["gradient"]
    ) { norm($0, order: order, axis: 1) }
  }

  @Test("The first of equal elements of a window wins", arguments: try KinkTests.cases("pool"))
  func pools(_ example: FixtureCase) throws {
    try check(
      try example["x"].tensor(.float64), try example["output"], try example["gradient"]
    ) { MaxPooling2D(2)($0) }
  }

  @Test("Clipping passes half of a gradient at a bound, as jax.numpy.clip does")
  func clipping() throws {
    let x = Tensor([-2.0, -1, 0, 1, 2])
    expectClose(try grad { (x: Tensor) in sum(clip(x, min: -1, max: 1)) }(x), [0, 0.5, 1, 0.5, 0])
  }

  @Test("Functions without corners have their derivative where their parts meet")
  func smooth() throws {
    let x = Tensor([-1.0, 1], dtype: .float64)
    expectClose(try grad { (x: Tensor) in sum(ActivationFunction.sparsePlus(x)) }(x), [0, 1])
    let zero = Tensor([0.0], dtype: .float64)
    let slopes: [(ActivationFunction, Double)] = [
      (.elu(), 1), (.celu(alpha: 0.5), 1), (.softsign, 1), (.squareplus(), 0.5), (.softplus, 0.5),
    ]
    for (function, slope) in slopes {
      expectClose(try grad { (x: Tensor) in sum(function(x)) }(zero), [slope])
    }
    // With logits of 0 the slope of the cross-entropy is p − t.
    let labels = Tensor([[1.0], [0.0]], dtype: .float64)
    expectClose(
      try grad { (x: Tensor) in sum(binaryCrossentropy(labels, x, fromLogits: true)) }(
        .zeros([2, 1], dtype: .float64)), [-0.5, 0.5])
  }

  @Test("A rectifier with a largest value is flat there, and keeps NaN")
  func bounded() throws {
    let layer = ReLU(maxValue: 2)
    let x = Tensor([-1.0, 0, 1, 2, 3, .nan])
    expectClose(layer(x), [0, 0, 1, 2, 2, .nan])
    expectClose(
      try grad { (x: Tensor) in sum(layer(x)) }(Tensor([-1.0, 0, 1, 2, 3])), [0, 0, 1, 0, 0])
    for function in [ActivationFunction.sparsePlus, .sparseSigmoid, .hardSiLU] {
      expectClose(function(Tensor([Double.nan])), [.nan])
    }
  }
}
