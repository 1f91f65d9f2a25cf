import Engine
import TestSupport
import Testing

/// Every place where modules can be made.
private final class Places: Module {
  let stem = Linear(4)
  let blocks: [Linear]
  let named: [String: Linear]

  init() {
    blocks = (0..<2).map { _ in Linear(4) }
    named = ["left": Linear(4), "right": Linear(4)]
    super.init()
  }

  func call(_ x: Tensor) -> Tensor {
    var x = stem(x)
    for block in blocks { x = block(x) }
    for (_, module) in named.sorted(by: { $0.key < $1.key }) { x = module(x) }
    for _ in 0..<2 { x = Linear(4)(x) }
    let list = [Linear(4), Linear(4, name: "special")]
    for module in list { x = module(x) }
    return Lambda(name: "nested") { Linear(2)(Linear(3)($0)) }(x)
  }
}

private final class Logging: Module {
  func call(_ x: Tensor) -> Tensor {
    addLoss("activity", mean(square(x)))
    addMetric("size", x)
    addSummary("spread", x)
    addSummary("first", x[0, 0])
    return x
  }
}

private final class LoggingNet: Module {
  func call(_ x: Tensor) -> Tensor {
    addMetric("rows", Tensor(Double(x.shape[0])))
    return Linear(1, name: "head")(Logging()(Logging()(x)))
  }
}

private final class Endless: Module {
  func call(_ x: Tensor) -> Tensor { self(x) }
}

private final class TwoFaced: Module {
  var asksForBias = false
  func call(_ x: Tensor) -> Tensor {
    let scale = parameter("scale", shape: [x.shape[-1]])
    return asksForBias ? x * scale + parameter("bias", shape: [x.shape[-1]]) : x * scale
  }
}

@Suite("Hooks", .seeded)
struct HookTests {
  private let x = Tensor([[1, 2, 3], [0, -1, 2]], dtype: .float32)

  @Test(
    "Modules in properties, lists, dictionaries, loops and nested calls keep their names and references"
  )
  func places() throws {
    let module = Places()
    let first = module(x)
    let names = [
      "stem", "blocks/0", "blocks/1", "named/left", "named/right", "linear", "linear_1", "linear_2",
      "special", "nested",
    ]
    #expect(module.children.map(\.name) == names)
    let before = names.compactMap { module.child($0) }
    expectClose(module(x), first, atol: 0, rtol: 0)
    #expect(zip(before, names).allSatisfy { $0 === module.child($1) })
    #expect((module.nested.linear.kernel as Tensor).shape == [3, 2])
    #expect((module.nested.linear_1.kernel as Tensor).shape == [4, 3])
    let compiled = jit { (x: Tensor) in module(x) }
    expectClose(try compiled(x), first)
    #expect(zip(before, names).allSatisfy { $0 === module.child($1) })
  }

  @Test("Losses, metrics and summaries from any depth are in the logs and the history")
  func history() throws {
    let model = Model(
      module: LoggingNet(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0))
    let history = try model.fit(
      x: x, y: Tensor.ones([2, 1]), epochs: 2, verbose: .silent,
      validationData: ValidationData(x: x[0..<1], y: Tensor.ones([1, 1])), shuffle: false)
    let activity = (1.0 + 4 + 9 + 0 + 1 + 4) / 6
    // Both modules log the same loss: both count.
    func last(_ name: String) -> Double { history[name].last ?? .nan }
    #expect(abs(last("activity_loss") - 2 * activity) < 1e-5)
    let added = last("loss") - last("mean_squared_error_loss")
    #expect(abs(added - 2 * activity) < 1e-5)
    for path in ["logging", "logging_1"] {
      #expect(abs(last("\(path)/size") - 7.0 / 6) < 1e-6)
      #expect(abs(last("\(path)/spread/mean") - 7.0 / 6) < 1e-6)
      let deviation = (19.0 / 6 - (7.0 / 6) * (7.0 / 6)).squareRoot()
      #expect(abs(last("\(path)/spread/std") - deviation) < 1e-6)
      #expect(last("\(path)/first") == 1)
    }
    #expect(history["rows"] == [2, 2])
    #expect(history["val_rows"] == [1, 1])
    #expect(last("val_logging/size") == 2)
  }

  @Test("collecting gives what the hooks noted, with gradients")
  func collecting() throws {
    let net = LoggingNet()
    let (y, logs) = net.collecting { net(x) }
    #expect(y.shape == [2, 1])
    #expect(logs.losses.map(\.name) == ["activity_loss", "activity_loss"])
    // Swift evaluates from the outside: the inner module is `logging_1` and is called first.
    #expect(logs.metrics.map(\.name) == ["rows", "logging_1/size", "logging/size"])
    expectClose(try #require(logs.summaries.first?.value), x)
    #expect(abs(logs.loss.item() - 2 * 19.0 / 6) < 1e-5)
    let gradient = try grad { (x: Tensor) in net.collecting { net(x) }.logs.loss }(x)
    expectClose(gradient, 4 * x / 6)
    #expect(net.collecting(isTraining: false) { net.isTraining }.result == false)
  }

  @Test("A module that calls itself is an error, not an endless loop")
  func recursion() {
    expectError("Endless calls itself: a module cannot be a layer of its own") { _ = Endless()(x) }
    expectError("in module") {
      _ = Lambda { x in Lambda { Endless(name: "deep")($0) }(x) }(x)
    }
  }

  @Test("A parameter asked for later than at the first call is an error")
  func lateParameter() {
    let module = TwoFaced()
    _ = module(x)
    module.asksForBias = true
    expectError("parameter \"bias\" is asked for now, but earlier calls made [\"scale\"] only") {
      _ = module(x)
    }
  }

  @Test("Inputs of different shapes on one parameter are an error that names both")
  func shapes() {
    let module = TwoFaced()
    _ = module(x)
    expectError("variable \"scale\" was made as float32 [3] and is now asked for as float32 [2]") {
      _ = module(Tensor.ones([1, 2]))
    }
  }

  @Test("A first call that failed can be repeated with the right input")
  func repeated() throws {
    let module = Lambda { x in Linear(2)(Conv2D(3, kernelSize: 2)(x)) }
    #expect(throws: EngineError.self) { try withErrors { _ = module(x) } }
    let y = try withErrors { module(Tensor.ones([1, 4, 4, 1])) }
    #expect(y.shape == [1, 3, 3, 2])
  }

  @Test("Gradients of a module that was never called make its variables first")
  func uninitialised() throws {
    let module = Lambda { x in Linear(1)(BatchNormalization(momentum: 0.5)(x)) }
    let (value, gradients) = try valueAndGrad(of: module) { sum(square(module(x))) }
    #expect(
      gradients.paths == [
        "linear/kernel", "linear/bias", "batch_normalization/gamma", "batch_normalization/beta",
      ])
    #expect(value.item() > 0)
    // The tracing call does not count: statistics have moved once.
    let mean = try #require(module.filter()["batch_normalization/moving_mean"])
    expectClose(mean, 0.5 * Tensor([0.5, 0.5, 2.5], dtype: .float32))
  }
}

@Suite("The low-level loop of the guide", .seeded)
struct LowLevelLoopTests {
  private final class MLP: Module {
    func call(_ x: Tensor) -> Tensor {
      var x = x
      x = relu(Linear(64)(x))
      x = relu(Linear(32)(x))
      return Linear(1)(x)
    }
  }

  @Test("A thousand compiled updates: the loss falls, and fit gives the same numbers")
  func loop() throws {
    let x = randomUniform([15, 3], key: RandomKey(seed: 1).tensor)
    let y = randomUniform([15, 1], key: RandomKey(seed: 2).tensor)
    let mlp = MLP()
    func loss(_ x: Tensor, _ y: Tensor) -> Tensor { mean(square(y - mlp(x))) }
    func update(_ x: Tensor, _ y: Tensor) throws -> Tensor {
      let (loss, gradients) = try valueAndGrad(of: mlp) { loss(x, y) }
      let parameters = mlp.parameters()
      mlp.setParameters(parameters.map(with: gradients) { p, g in p - 0.01 * g })
      return loss
    }
    let compiled = jit(update)
    var losses: [Double] = []
    for _ in 0..<1000 { losses.append(try compiled(x, y).item()) }
    #expect(losses[999] < 0.3 * losses[0])
    #expect(compiled.cacheCount == 1)
    // Another shape is compiled once more, and the module goes on from where it was.
    #expect(try compiled(x[0..<4], y[0..<4]).item() < losses[0])
    #expect(compiled.cacheCount == 2)

    let model = Model(
      module: MLP(), loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.01),
      seed: mlp.seed)
    let history = try model.fit(
      x: x, y: y, batchSize: 15, epochs: 1000, verbose: .silent, shuffle: false)
    for (epoch, loss) in losses.enumerated() {
      #expect(abs(history["loss"][epoch] - loss) < 1e-5)
    }
  }
}
