import Engine
import TestSupport
import Testing

@Suite("Layers keep one contract", .seeded)
struct LayerTests {
  /// One layer of each kind with an input that it takes.
  static let examples = basicExamples + sequenceExamples + windowExamples + attentionExamples

  private static let basicExamples:
    [(name: String, make: @Sendable () -> AnyModule, input: Shape)] =
      [
        ("Linear", { Linear(4, activation: .relu) }, [3, 5]),
        ("Dense", { Dense(4) }, [3, 5]),
        ("BatchNormalization", { BatchNormalization() }, [3, 5]),
        ("BatchNormalization of images", { BatchNormalization() }, [3, 5, 6, 2]),
        ("LayerNormalization", { LayerNormalization() }, [3, 5]),
        ("LayerNormalization of axis 1", { LayerNormalization(axes: [1]) }, [3, 5, 2]),
        ("Dropout", { Dropout(0.5) }, [3, 5]),
        ("Flatten", { Flatten() }, [3, 5, 2]),
        ("Rescaling", { Rescaling(0.5, offset: 1) }, [3, 5]),
        ("Reshape", { Reshape([2, -1]) }, [3, 4, 3]),
        ("Embedding", { Embedding(inputs: 7, outputs: 3) }, [3, 5]),
        ("ReLU", { ReLU(maxValue: 6) }, [3, 5]),
        ("LeakyReLU", { LeakyReLU() }, [3, 5]),
        ("Tanh", { Tanh() }, [3, 5]),
        ("Sigmoid", { Sigmoid() }, [3, 5]),
        ("GELU", { GELU() }, [3, 5]),
        ("Softplus", { Softplus() }, [3, 5]),
        ("Softmax", { Softmax() }, [3, 5]),
        ("LogSoftmax", { LogSoftmax() }, [3, 5]),
        ("Activation", { Activation(.silu) }, [3, 5]),
        ("Lambda", { Lambda { $0 * 2 } }, [3, 5]),
        ("Sequential", { Sequential(Linear(4), Tanh(), Linear(2)) }, [3, 5]),
      ]

  static let rows =
    examples.map { (name: $0.name, make: $0.make, inputs: [$0.input]) } + severalInputs
    + activations.map { (name: $0.0, make: $0.1, inputs: [[3, 5]]) }

  static let names = rows.map(\.name)

  static func example(_ name: String) throws -> (module: AnyModule, input: [Tensor]) {
    let row = try #require(rows.first { $0.name == name })
    var generator = SeededGenerator(seed: 11)
    let input = row.inputs.map { shape in
      ["Embedding", "CategoryEncoding"].contains(name)
        ? generator.integers(shape, in: 0..<7) : generator.uniform(shape, dtype: .float32)
    }
    return (row.make(), input)
  }

  static func run(
    _ module: AnyModule, _ x: [Tensor], isTraining: Bool = true
  ) throws -> Tensor {
    let input: Structure = x.count == 1 ? .tensor(x[0]) : .list(x.map { .tensor($0) })
    return try withErrors {
      let output = try module.run(isTraining: isTraining) { try module.call(structure: input) }
      return try #require(output.result.tensors.first)
    }
  }

  @Test("A batch without rows gives no rows and changes no statistics", arguments: names)
  func emptyBatch(_ name: String) throws {
    let (module, x) = try Self.example(name)
    let output = try Self.run(module, x)
    let before = module.variables(.batchStatistic).map { $0.value.scalars(as: Float.self) }
    let empty = try Self.run(module, x.map { $0[0..<0] })
    #expect(empty.shape.dimensions == [0] + output.shape.dimensions.dropFirst())
    let after = module.variables(.batchStatistic).map { $0.value.scalars(as: Float.self) }
    #expect(before == after)
  }

  @Test("Rows do not depend on each other when not training", arguments: names)
  func rowsAreIndependent(_ name: String) throws {
    let (module, x) = try Self.example(name)
    let whole = try Self.run(module, x, isTraining: false)
    let first = try Self.run(module, x.map { $0[0..<1] }, isTraining: false)
    expectClose(first, whole[0..<1])
  }

  @Test(
    "Calls after the first make no variables, and equal seeds make equal ones",
    arguments: names)
  func variablesStay(_ name: String) throws {
    let (module, x) = try Self.example(name)
    _ = try Self.run(module, x)
    let paths = module.namedVariables.map(\.path)
    _ = try Self.run(module, x)
    #expect(module.namedVariables.map(\.path) == paths)
    let (other, _) = try Self.example(name)
    other.seed = module.seed
    _ = try Self.run(other, x)
    for (a, b) in zip(module.trainableVariables, other.trainableVariables) {
      expectClose(a.value, b.value, atol: 0, rtol: 0, a.path)
    }
  }

  @Test(
    "A compiled call gives what a call gives at once",
    arguments: names.filter { $0 != "Dropout" })
  func compiled(_ name: String) throws {
    let (module, x) = try Self.example(name)
    let expected = try Self.run(module, x, isTraining: false)
    let function = jit { (x: [Tensor]) in [try Self.run(module, x, isTraining: false)] }
    for _ in 0..<2 { expectClose(try function(x)[0], expected) }
  }

  @Test("Inputs of the wrong rank or size name the layer, what was expected and what came")
  func wrongInputs() {
    let vector = Tensor([1.0, 2])
    expectError("Linear: expected [..., features], got []") { _ = Linear(1)(Tensor(1.0)) }
    expectError("BatchNormalization: expected [batch, ..., channels] with channels on axis -1") {
      _ = BatchNormalization()(vector)
    }
    expectError("LayerNormalization: expected a shape with axes [2], got [2]") {
      _ = LayerNormalization(axes: [2])(vector)
    }
    expectError("Reshape: expected [batch, ...] with samples that fill [2, 2], got [1, 3]") {
      _ = Reshape([2, 2])(Tensor([[1.0, 2, 3]]))
    }
    expectError("Flatten: expected [batch, ...], got []") { _ = Flatten()(Tensor(1.0)) }
    expectError("Dropout: rate must be in 0..<1, got 1.0") { _ = Dropout(1) }
  }

  @Test("Another number of features than at the first call is an error that names both")
  func shapeChange() throws {
    let linear = Linear(2)
    _ = linear(Tensor.zeros([1, 3]))
    expectError("\"kernel\" was made as float32 [3, 2] and is now asked for as float32 [4, 2]") {
      _ = linear(Tensor.zeros([1, 4]))
    }
  }

  @Test("Integer inputs become float32 and float64 inputs make float64 parameters")
  func types() {
    let integers = Linear(2)
    #expect(integers(Tensor([[1, 2]])).dtype == .float32)
    let doubles = Linear(2)
    #expect(doubles(Tensor([[1.0, 2]], dtype: .float64)).dtype == .float64)
    #expect(doubles.trainableVariables.allSatisfy { $0.dtype == .float64 })
  }

  @Test("Dense says its own name, in paths, messages and tables")
  func dense() throws {
    final class Twins: Module {
      func call(_ x: Tensor) -> Tensor {
        let hidden = Dense(2)(x)
        return Linear(1)(hidden)
      }
    }
    let twins = try Twins().initialize(Tensor.zeros([1, 3]))
    #expect(
      twins.namedVariables.map(\.path) == [
        "dense/kernel", "dense/bias", "linear/kernel", "linear/bias",
      ])
    let table = try Model(module: Twins()).summary(Tensor.zeros([1, 3]))
    #expect(table.contains("dense   Dense ") && table.contains("linear  Linear "), "\(table)")
    expectError("Dense: expected [..., features], got []") { _ = Dense(2)(Tensor(1.0)) }
    expectError("Dense: units must not be negative, got -1") { _ = Dense(-1) }
  }

  @Test("Dense is Linear, with a kernel [in, units] and a bias of zeros")
  func linear() {
    let layer = Dense(3)
    _ = layer(Tensor.zeros([2, 4]))
    #expect(layer.namedVariables.map(\.path) == ["kernel", "bias"])
    #expect(layer.namedVariables.map(\.variable.shape) == [[4, 3], [3]])
    expectClose(layer.bias as Tensor, [0, 0, 0], atol: 0, rtol: 0)
    let bare = Linear(3, useBias: false, kernelInitializer: Ones())
    expectClose(bare(Tensor([[1.0, 2]])), [3, 3, 3])
    #expect(bare.trainableVariables.count == 1)
  }

  @Test("Embedding refuses numbers that are no rows", arguments: [-1, 7])
  func embeddingBounds(_ index: Int) {
    expectError("Embedding: number \(index) at position 1 does not exist") {
      _ = Embedding(inputs: 7, outputs: 3)(Tensor([[0, index]]))
    }
  }
}

@Suite("Rescaling", .seeded)
struct RescalingTests {
  @Test("Bytes become float32, in a compiled step as well")
  func bytes() throws {
    let x = Tensor([[0, 51, 255]]).cast(to: .uint8)
    let expected = Tensor([[-1.0, -0.6, 1]]).cast(to: .float32)
    let layer = Rescaling(2.0 / 255, offset: -1)
    expectClose(layer(x), expected, atol: 1e-6, rtol: 0)
    expectClose(try jit { (x: Tensor) in layer(x) }(x), expected, atol: 1e-6, rtol: 0)
    #expect(layer(x.cast(to: .float64)).dtype == .float64)
  }
}

@Suite("Dropout", .seeded)
struct DropoutTests {
  @Test("Is the identity unless training")
  func inference() {
    let layer = Dropout(0.5)
    let x = Tensor.ones([100])
    layer.eval()
    expectClose(layer(x), x, atol: 0, rtol: 0)
    layer.train()
    #expect(layer(x).scalars(as: Float.self).contains(0))
  }

  @Test("Drops about as many as asked for and keeps the mean")
  func rate() {
    let values = Dropout(0.25)(Tensor.ones([40_000])).scalars(as: Double.self)
    let dropped = values.count { $0 == 0 }
    // Six standard errors of 40 000 draws.
    #expect(abs(Double(dropped) / 40_000 - 0.25) < 6 * (0.25 * 0.75 / 40_000).squareRoot())
    #expect(values.allSatisfy { $0 == 0 || abs($0 - 4.0 / 3) < 1e-6 })
  }

  @Test("Drops other elements at every use and every call, compiled or not")
  func differs() throws {
    let layer = Dropout(0.5)
    let x = Tensor.ones([64])
    let model = Lambda { x in stack([layer(x), layer(x)]) }
    let first = model(x)
    #expect(first[0].scalars(as: Float.self) != first[1].scalars(as: Float.self))
    #expect(first.scalars(as: Float.self) != model(x).scalars(as: Float.self))
    let compiled = jit { (x: [Tensor]) in [layer(x[0])] }
    let once = try compiled([x])[0].scalars(as: Float.self)
    let twice = try compiled([x])[0].scalars(as: Float.self)
    #expect(once != twice)
  }

  @Test("Equal seeds drop equal elements")
  func seeds() {
    func draw(_ seed: UInt64) -> [Float] {
      let layer = Dropout(0.5)
      layer.seed = seed
      return layer(Tensor.ones([64])).scalars(as: Float.self)
    }
    #expect(draw(1) == draw(1))
    #expect(draw(1) != draw(2))
  }
}

@Suite("Batch normalisation", .seeded)
struct BatchNormalizationTests {
  @Test("Frozen it uses the moving statistics and leaves them alone")
  func frozen() {
    let layer = BatchNormalization()
    let x = Tensor([[1.0, 2], [3, 6]])
    _ = layer(x)
    layer.freeze()
    let before = (layer.moving_mean as Tensor).scalars(as: Float.self)
    let training = layer(x)
    #expect((layer.moving_mean as Tensor).scalars(as: Float.self) == before)
    expectClose(training, layer.eval()(x))
  }

  @Test("Moving statistics go towards those of the batch and are averaged over ranks")
  func moving() {
    let layer = BatchNormalization(momentum: 0.5)
    _ = layer(Tensor([[1.0], [3]]))
    expectClose(layer.moving_mean as Tensor, [1])
    expectClose(layer.moving_variance as Tensor, [1])
    for variable in layer.variables(.batchStatistic) {
      if case .mean = variable.combine {} else { Issue.record("\(variable.path)") }
      #expect(!variable.trainable)
    }
  }

  @Test("The gradient through the statistics of the batch agrees with central differences")
  func gradient() throws {
    var generator = SeededGenerator(seed: 3)
    let x = generator.uniform([5, 3])
    let layer = BatchNormalization()
    _ = layer(x)
    nonisolated(unsafe) let shared = layer
    try expectGradient(of: { shared($0[0]) }, at: [x])
  }
}
