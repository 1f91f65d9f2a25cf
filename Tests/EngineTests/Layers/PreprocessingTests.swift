import Engine
import TestSupport
import Testing

@Suite("Layers that prepare data agree with Keras", .seeded)
struct PreprocessingTests {
  /// The layer of a case, adapted to its data.
  static func make(_ example: FixtureCase) throws -> any LayerTable.Layer {
    let data = try example.optional("data")?.tensor(.float64)
    let modes: [String: CategoryOutput] = [
      "int": .index, "one_hot": .oneHot, "multi_hot": .multiHot, "count": .count,
    ]
    let output = try example.argument("output_mode").flatMap { modes[try $0.string()] }
    switch example.className {
    case "Normalization":
      let layer = Normalization(
        axes: try example.axes("axis") ?? [-1], invert: try example.flag("invert"))
      if let data { layer.adapt(data) }
      return layer
    case "Discretization":
      let layer =
        try example.argument("bin_boundaries").map {
          Discretization(boundaries: try $0.doubles(), output: output ?? .index)
        }
        ?? Discretization(
          bins: try example.integer("num_bins"), epsilon: try example.number("epsilon") ?? 0.01)
      if let data { layer.adapt(data) }
      return layer
    default:
      return CategoryEncoding(
        try example.integer("num_tokens"), output: try #require(output))
    }
  }

  @Test(
    "What is found in data, and outputs, at once and compiled",
    arguments: try Fixture.load("preprocessing", from: .module).cases,
    [DType.float32, .float64])
  func parity(_ example: FixtureCase, _ dtype: DType) throws {
    let layer = try Self.make(example)
    // Keras adds up the weights of over a hundred samples, and keeps quantiles, in float32.
    let tolerance =
      example.className == "Discretization" ? 1e-5 : dtype == .float64 ? 1e-8 : 1e-6
    let found = try example["found"]
    #expect(layer.namedVariables.map(\.path).sorted() == found.keys)
    for (path, variable) in layer.namedVariables {
      #expect(!variable.trainable)
      expectClose(
        variable.value, try found[path].tensor(.float64), atol: tolerance, rtol: tolerance, path)
    }
    let isInteger = try example["input"]["dtype"].string() == "int32"
    let x = try example["input"].tensor(isInteger ? nil : dtype)
    let expected = try example["output"].tensor(.float64)
    func run(_ x: Tensor) throws -> Tensor {
      let output = try layer.call(structure: .tensor(x))
      return try #require(output.tensor)
    }
    let output = try run(x)
    let isWhole = try example["output"]["dtype"].string() == "int32"
    #expect(isWhole ? output.dtype == .int32 : output.dtype.isFloating)
    expectClose(output, expected, atol: tolerance, rtol: tolerance)
    expectClose(try jit(run)(x), expected, atol: tolerance, rtol: tolerance)
  }

  @Test("Normalization by known statistics")
  func given() throws {
    let x = Tensor([[1.0, 2], [3, 6]])
    let layer = Normalization(mean: Tensor([2.0, 4]), variance: Tensor([1.0, 16]))
    expectClose(layer(x), [-1, -0.5, 1, 0.5])
    #expect(layer.variables.isEmpty)
    let back = Normalization(mean: Tensor([2.0, 4]), variance: Tensor([1.0, 16]), invert: true)
    expectClose(back(layer(x)), x)
    expectClose(
      Normalization(mean: Tensor(1.0), variance: Tensor(4.0), axes: [])(x), [0, 0.5, 1, 2.5])
    expectClose(Normalization(mean: Tensor(1.0), variance: Tensor(4.0))(x), [0, 0.5, 1, 2.5])
    expectClose(try grad { sum(layer($0)) }(x), [1, 0.25, 1, 0.25])
  }

  @Test("What a layer was adapted to is kept while the model around it is trained")
  func training() throws {
    let normalization = Normalization()
    normalization.adapt(Tensor([[1.0], [2], [3], [4], [5]]))
    expectClose(
      normalization(Tensor([[1.0], [2], [3]])), [-2.0.squareRoot(), -0.5.squareRoot(), 0])
    let model = Model(
      module: Sequential(normalization, Linear(1)), loss: MeanSquaredError(), optimizer: SGD())
    _ = try model.fit(
      x: Tensor([[1.0], [2]]), y: Tensor([[0.0], [1]]), batchSize: 2, epochs: 2, verbose: .silent)
    expectClose(normalization.mean as Tensor, [3])
    expectClose(normalization.variance as Tensor, [2])
    #expect(model.module.namedVariables[0].path == "layers/0/mean")
  }

  @Test("Numbers that are none fall into the last bin")
  func notANumber() {
    let layer = Discretization(boundaries: [0, 1])
    expectClose(layer(Tensor([Double.nan, -Double.infinity, 0, Double.infinity])), [2, 0, 1, 2])
  }

  @Test("Arguments and inputs that make no sense are errors that name the layer")
  func errors() {
    expectError("Normalization: mean and variance must have one shape") {
      _ = Normalization(mean: Tensor([1.0]), variance: Tensor(1.0))
    }
    expectError("Normalization: expected a shape with axes [2], got [1, 1]") {
      _ = Normalization(axes: [2])(Tensor([[1.0]]))
    }
    expectError("Normalization: expected samples with axes [-1], got [0, 2]") {
      Normalization().adapt(Tensor.zeros([0, 2]))
    }
    expectError("Normalization: mean and variance are given: there is nothing to adapt") {
      Normalization(mean: Tensor(1.0), variance: Tensor(1.0)).adapt(Tensor([[1.0]]))
    }
    expectError("is used on inputs of different shapes") {
      let layer = Normalization()
      layer.adapt(Tensor.zeros([2, 3]))
      _ = layer(Tensor.zeros([2, 4]))
    }
    expectError("Discretization: boundaries must rise, got [1.0, 1.0]") {
      _ = Discretization(boundaries: [1, 1])
    }
    expectError("Discretization: bins must be positive, got 0") {
      _ = Discretization(bins: 0)
    }
    expectError("Discretization: epsilon must be above 0 and at most 1 / 4, got 0.5") {
      _ = Discretization(bins: 4, epsilon: 0.5)
    }
    expectError("Discretization: boundaries are given: there is nothing to adapt") {
      Discretization(boundaries: [1]).adapt(Tensor([1.0]))
    }
    expectError("Discretization: expected as many numbers as there are bins, 4, at least, got [3]")
    {
      Discretization(bins: 4).adapt(Tensor.zeros([3]))
    }
    expectError("CategoryEncoding: tokens must be positive, got 0") {
      _ = CategoryEncoding(0)
    }
    expectError("CategoryEncoding: number 5 at position 1 does not exist") {
      _ = CategoryEncoding(5)(Tensor([[0, 5]]))
    }
  }
}
