import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about modules and hooks.
@Suite("docs/modules.md: modules are hooks", .seeded)
struct HooksGuide {
  private let x = randomUniform([15, 3], key: RandomKey(seed: 1))
  private let y = randomUniform([15, 1], key: RandomKey(seed: 2))

  // snippet: hooks
  final class NoisyLinear: Module {
    let units = 4

    func call(_ x: Tensor) -> Tensor {
      let w = parameter("w", shape: [x.shape[-1], units], initializer: HeUniform())
      let b = parameter("b", shape: [units], initializer: Zeros())
      let steps = parameter("steps", shape: [], initializer: Zeros(), trainable: false)
      let y = matmul(x, w) + b
      addLoss("activity", 1e-3 * mean(square(y)))
      addMetric("size", abs(y))
      addSummary("output", y)
      guard isTraining else { return y }
      updateParameter("steps", to: steps + 1)
      return y + randomNormal(y.shape, key: nextKey(), standardDeviation: 0.1)
    }
  }
  // end

  @Test("Hooks, directly and in fit")
  func hooks() throws {
    // snippet: collecting
    let layer = NoisyLinear()
    let (output, logs) = layer.collecting { layer(x) }
    // output is [15, 4]; logs.loss, logs.losses, logs.metrics, logs.summaries
    // end
    #expect(output.shape == [15, 4])
    #expect(logs.losses.map(\.name) == ["activity_loss"])
    #expect(logs.metrics.map(\.name) == ["size"])
    #expect(logs.summaries.map(\.name) == ["output"])
    expectClose(logs.loss, 1e-3 * mean(square(logs.summaries[0].value)))
    #expect(layer.filter(.state)["steps"]?.item() == 1)

    // snippet: hooks-in-fit
    let model = Model(
      module: Sequential(NoisyLinear(), Linear(1)), loss: MeanSquaredError(),
      optimizer: SGD(learningRate: 0.01))
    let history = try model.fit(x: x, y: y, epochs: 3, verbose: .silent)
    print(history.history.keys.joined(separator: ", "))
    // end
    // output: hooks-in-fit-names
    #expect(
      history.history.keys.joined(separator: ", ") == """
        loss, mean_squared_error_loss, activity_loss, layers/0/size, layers/0/output/mean, \
        layers/0/output/std
        """)
    // end
    let (loss, parts) = (
      history["loss"], zip(history["mean_squared_error_loss"], history["activity_loss"])
    )
    expectClose(loss, parts.map { $0 + $1 })
  }

  // snippet: mlp
  final class MLP: Module {
    func call(_ x: Tensor) -> Tensor {
      var x = relu(Linear(64)(x))
      x = relu(Linear(32)(x))
      return Linear(1)(x)
    }
  }
  // end

  @Test("References stay the same")
  func references() {
    // snippet: references
    let mlp = MLP()
    mlp(x)
    let (linear, linear1, linear2) = (mlp.linear, mlp.linear_1, mlp.linear_2)
    mlp(x)
    assert(linear === mlp.linear && linear1 === mlp.linear_1 && linear2 === mlp.linear_2)
    let kernel: Tensor = mlp.linear_1.kernel  // [64, 32]
    // end
    #expect(linear === mlp.linear && linear1 === mlp.linear_1 && linear2 === mlp.linear_2)
    #expect(kernel.shape == [64, 32])
  }

  // snippet: places
  final class Deep: Module {
    let stem = Linear(8)
    let blocks = (0..<2).map { _ in Linear(8) }

    func call(_ x: Tensor) -> Tensor {
      var x = blocks.reduce(stem(x)) { x, block in relu(block(x)) }
      for _ in 0..<2 { x = relu(Linear(8)(x)) }
      return Linear(1, name: "head")(Dropout(0.1)(x))
    }
  }
  // end

  @Test("Names")
  func places() {
    // snippet: names
    let deep = Deep()
    deep(x)
    print(deep.children.map(\.name))
    // end
    // output: names-output
    #expect(
      "\(deep.children.map(\.name))" == """
        ["stem", "blocks/0", "blocks/1", "linear", "linear_1", "head", "dropout"]
        """)
    // end
  }

  // snippet: swapped
  final class Swapped: Module {
    func call(_ x: Tensor) -> Tensor {
      if x.shape[0] > 5 {
        let y = Tanh()(x)
        return LayerNormalization()(y)
      }
      let y = LayerNormalization()(x)
      return Tanh()(y)
    }
  }
  // end

  // snippet: unconditional
  final class Unconditional: Module {
    func call(_ x: Tensor) -> Tensor {
      let tanh = Tanh()
      let norm = LayerNormalization()
      return x.shape[0] > 5 ? norm(tanh(x)) : tanh(norm(x))
    }
  }
  // end

  @Test("Hooks must be used unconditionally")
  func conditional() throws {
    let message = errorMessage {
      // snippet: swapped-use
      try withErrors {
        let module = Swapped()
        module(x)
        module(x[0..<2])
      }
      // end
    }
    // output: swapped-error
    #expect(
      message == """
        hook 1 was Tanh "tanh" and is now LayerNormalization "layer_normalization": modules must be \
        made in the same order with the same arguments at every call; make them unconditionally, and \
        use them inside the condition
        """)
    // end
    let module = Unconditional()
    #expect(
      try withErrors { [module(x), module(x[0..<2])] }.map(\.shape.dimensions) == [
        [15, 3], [2, 3],
      ])
  }

  @Test("The other errors")
  func errors() {
    final class Endless: Module {
      func call(_ x: Tensor) -> Tensor { self(x) }
    }
    let linear = Linear(2)
    expectError("variable \"kernel\" was made as float32 [3, 2] and is now asked for as") {
      linear(x)
      linear(Tensor.ones([2, 4]))
    }
    expectError("calls itself") { Endless()(x) }
    expectError("has no parameters before the first call") { _ = MLP().parameters() }
    expectError("nextKey() outside of a module's call") { _ = linear.nextKey() }
  }

  @Test("Random numbers")
  func randomNumbers() throws {
    // snippet: seeds
    setSeed(1)
    let (a, b) = (Linear(4), Linear(4))
    a(x)
    b(x)  // other weights than those of a
    let c = Linear(4)
    c.seed = a.seed
    c(x)  // the weights of a
    // end
    let kernels = [a, b, c].map { ($0.kernel as Tensor).scalars(as: Float.self) }
    #expect(kernels[0] == kernels[2] && kernels[0] != kernels[1])

    let model = Model(module: MLP(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.01))
    // snippet: orders
    // The orders of epochs 0, 1 and 2, then those of 1 and 2 again.
    for _ in 0..<3 { try model.fit(x: x, y: y, verbose: .silent) }
    try model.fit(x: x, y: y, epochs: 3, verbose: .silent, initialEpoch: 1)
    // end
    #expect(model.trainedEpochs == 3)
  }

  @Test("The low-level loop, and the same with Model")
  func loop() throws {
    // snippet: loop
    let mlp = MLP()

    func loss(_ x: Tensor, _ y: Tensor) -> Tensor { mean(square(y - mlp(x))) }

    func update(_ x: Tensor, _ y: Tensor) throws -> Tensor {
      let (value, gradients) = try valueAndGrad(of: mlp) { loss(x, y) }
      let parameters = mlp.parameters(trainable: true)
      mlp.setParameters(parameters.map(with: gradients) { p, g in p - 0.01 * g })
      return value
    }

    let step = jit(update)
    var losses: [Double] = []
    for _ in 0..<1000 { losses.append(try step(x, y).item()) }
    // end
    #expect(losses[999] < 0.3 * losses[0])

    // snippet: fit
    let model = Model(
      module: MLP(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.01),
      seed: mlp.seed)
    let history = try model.fit(
      x: x, y: y, batchSize: 15, epochs: 1000, verbose: .silent, shuffle: false)
    // end
    for (a, b) in zip(history["loss"], losses) { #expect(abs(a - b) < 1e-5) }

    // snippet: jit-cache
    _ = try step(x[0..<4], y[0..<4])
    mlp.linear.freeze()
    _ = try step(x, y)
    print(step.cacheDescription)
    // end
    // Numbers of operations and times do not matter.
    let cache = step.cacheDescription.replacing(
      /[0-9]+ operations, compiled in [0-9.]+ [^,]+,/, with: "… operations, compiled in … ms,")
    // output: jit-cache-output
    #expect(
      cache == """
        plan 1 for [float32[15, 3], float32[15, 1]]: … operations, compiled in … ms, used 1000 times; compiled because: first call
        plan 2 for [float32[4, 3], float32[4, 1]]: … operations, compiled in … ms, used once; compiled because: argument 0 was float32 [15, 3], is float32 [4, 3]; argument 1 was float32 [15, 1], is float32 [4, 1]
        plan 3 for [float32[15, 3], float32[15, 1]]: … operations, compiled in … ms, used once; compiled because: linear/kernel.trainable == true no longer holds
        """)
    // end
  }
}
