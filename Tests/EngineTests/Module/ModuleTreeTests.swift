import Engine
import TestSupport
import Testing

private final class MLP: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = tanh(Linear(8)(x))
    x = tanh(Linear(4)(x))
    return Linear(1)(x)
  }
}

private final class Everything: Module {
  func call(_ x: Tensor) -> Tensor {
    let y = BatchNormalization(momentum: 0.5)(Linear(3)(x))
    let count = parameter("count", shape: [], initializer: Zeros(), trainable: false)
    updateParameter("count", to: count + 1)
    _ = variable("keys", kind: .cache, shape: [2])
    addLoss("activity", sum(square(y)))
    addLoss("activity", 2 * sum(square(y)))
    addMetric("size", abs(y))
    return y + 0 * randomUniform([3], key: nextKey())
  }
}

@Suite("A module is a tree", .seeded)
struct ModuleTreeTests {
  private let x = Tensor([[1, 2, 3], [0, -1, 2]], dtype: .float32)

  private func mlp() throws -> MLP { try MLP().initialize(x) }

  @Test("Kinds: every variable says what it is for")
  func kinds() throws {
    let module = Everything()
    _ = module(x)
    #expect(
      module.filter(.batchStatistic).paths == [
        "batch_normalization/moving_mean", "batch_normalization/moving_variance",
      ])
    #expect(module.filter(.state).paths == ["count"])
    #expect(module.filter(.cache).paths == ["keys"])
    #expect(module.filter(.randomKey).paths == ["random_key"])
    #expect(module.filter(.lossLog).paths == ["activity_loss"])
    #expect(module.filter(.metricLog).paths == ["size"])
    #expect(module.filter(.parameter, .state).paths.count == 5)
    #expect(module.filter { path, _ in path.hasSuffix("kernel") }.paths == ["linear/kernel"])
    let metric = Accuracy()
    try metric(yTrue: x, yPred: x + 1)
    #expect(metric.filter(.metricState).paths == ["total", "count"])
    let optimizer = Adam()
    try optimizer.update(module.parameters().map { $0 * 0 }, module)
    #expect(optimizer.variables.allSatisfy { $0.kind == .optimizerState })
  }

  @Test("Loss logs hold the sum of the last call, also compiled")
  func logs() throws {
    let module = Everything()
    let y = module(x)
    let expected = 3 * sum(square(y)).item()
    func logged() -> Double { module.filter(.lossLog)["activity_loss"]?.item() ?? -1 }
    #expect(abs(logged() - expected) < 1e-4)
    let compiled = jit { (x: Tensor) in module(x) }
    let again = try compiled(2 * x)
    #expect(abs(logged() - 3 * sum(square(again)).item()) < 1e-4)
    #expect(module.variables(.lossLog).count == 1)
  }

  @Test("filter, map, merge and replace")
  func functional() throws {
    let module = try mlp()
    let before = module.parameters()
    #expect(before.paths.first == "linear/kernel")
    #expect(before.elementCount == 3 * 8 + 8 + 8 * 4 + 4 + 4 + 1)
    #expect(before.byteCount == 4 * before.elementCount)
    let doubled = before.map { 2 * $0 }
    let kernel: Tensor = before.linear_1.kernel
    module.merge(before.replacing("linear_1/kernel", with: 3 * kernel))
    expectClose(module.linear_1.kernel as Tensor, 3 * kernel)
    expectClose(module.linear.kernel as Tensor, try #require(before["linear/kernel"]))
    module.merge(doubled.filter { path, _ in path.hasPrefix("linear_2") })
    expectClose(module.linear_2.kernel as Tensor, try #require(doubled["linear_2/kernel"]))
    let merged = before.merging(doubled.filter { path, _ in path == "linear/bias" })
    #expect(merged.paths == before.paths)
    let sum = before + doubled - before
    #expect(sum.paths == before.paths)
    for path in sum.paths { expectClose(try #require(sum[path]), try #require(doubled[path])) }
    #expect(before.part("linear").paths == ["kernel", "bias"])
    #expect(before.nothing.paths.isEmpty)
  }

  @Test("Values that do not fit change nothing and say what is wrong")
  func mergeErrors() throws {
    let module = try mlp()
    let before = module.parameters()
    let other = try MLP().initialize(Tensor.ones([1, 5]))
    expectError("variable linear/kernel: a value of shape [5, 8] does not fit its shape [3, 8]") {
      module.merge(other.parameters())
    }
    expectError(
      "there is no variable \"linear/kernel\" in MLP, which has none; variables and modules made in "
        + "call exist"
    ) {
      MLP().merge(before)
    }
    expectError("did you mean \"linear/kernel\"?") {
      _ = before.replacing("linear/kernl", with: x)
    }
    expectError("only one of them has \"linear_2/kernel\"") {
      _ = before + before.filter { path, _ in !path.hasPrefix("linear_2") }
    }
    expectError("MLP has no parameters before the first call") { _ = MLP().parameters() }
    for path in before.paths {
      expectClose(try #require(module.filter()[path]), try #require(before[path]), atol: 0, rtol: 0)
    }
  }

  @Test("A tree goes through jit, grad and back, and a module is a function of its values")
  func transforms() throws {
    let module = try mlp()
    let y = Tensor([[1.0], [2.0]], dtype: .float32)
    let loss = { (p: ModuleTree) in module.with(p) { mean(square(module(x) - y)) } }
    let gradient = try valueAndGrad(loss)(module.parameters()).gradient
    let own = try grad(of: module) { mean(square(module(x) - y)) }
    #expect(gradient.paths.sorted() == own.paths.sorted())
    for path in own.paths { expectClose(try #require(gradient[path]), try #require(own[path])) }
    let step = jit { (p: ModuleTree) throws -> ModuleTree in
      p - 0.1 * (try valueAndGrad(loss)(p).gradient)
    }
    let next = try step(module.parameters())
    #expect(loss(next).item() < loss(module.parameters()).item())
    #expect(next.filter(.parameter).paths.count == 6)
    // The module itself has not changed.
    expectClose(loss(module.parameters()), mean(square(module(x) - y)))
  }

  @Test("A copy has variables of its own with the same values, random state and modes")
  func copies() throws {
    let module = Everything()
    module.freeze()
    _ = module(x)
    module.child("batch_normalization")?.eval()
    let twin = module.copy { Everything() }
    #expect(twin !== module)
    expectClose(twin(x), module(x), atol: 0, rtol: 0)
    #expect(twin.trainableVariables.isEmpty)
    #expect(twin.filter(.state)["count"]?.item() == 2)
    twin.child("linear")?.merge(twin.linear.parameters().map { $0 * 0 })
    #expect((module.linear.kernel as Tensor).scalars(as: Float.self).contains { $0 != 0 })
    let trained = try mlp()
    trained.merge(trained.parameters().map { 3 * $0 })
    let before = trained.parameters()
    let other = trained.copy { MLP() }
    #expect(!other.isInitialized)
    expectClose(other(x), trained(x), atol: 0, rtol: 0)
    other.merge(other.parameters().map { $0 * 0 })
    for path in before.paths {
      expectClose(try #require(trained.filter()[path]), try #require(before[path]))
    }
  }

  @Test("A frozen part is not trained and what the optimizer remembers of it does not move")
  func freezing() throws {
    let module = try mlp()
    let optimizer = Adam(learningRate: 0.1)
    let model = Model(module: module, loss: MeanSquaredError(), optimizer: optimizer)
    let y = Tensor.ones([2, 1])
    func values() -> [String: [Float]] {
      var found: [String: [Float]] = [:]
      for variable in model.variables {
        found[variable.path] = variable.value.cast(to: .float32).scalars(as: Float.self)
      }
      return found
    }
    try model.fit(x: x, y: y, epochs: 2, verbose: .silent)
    module.linear_1.freeze()
    let before = values()
    try model.fit(x: x, y: y, epochs: 2, verbose: .silent)
    let after = values()
    for (path, value) in before where path.contains("linear_1") { #expect(after[path] == value) }
    #expect(before["linear/kernel"] != after["linear/kernel"])
    #expect(before["momentum/linear/kernel"] != after["momentum/linear/kernel"])
    module.unfreeze()
    try model.fit(x: x, y: y, epochs: 1, verbose: .silent)
    #expect(values()["linear_1/kernel"] != after["linear_1/kernel"])
  }

  @Test("A module can be frozen before its variables exist")
  func frozenFromTheStart() throws {
    let module = MLP().freeze()
    _ = module(x)
    #expect(module.trainableVariables.isEmpty)
    #expect(module.unfreeze().trainableVariables.count == 6)
  }

  @Test("Freezing makes a compiled function compile again")
  func frozenGuard() throws {
    let module = try mlp()
    let update = jit { (x: Tensor) throws -> Tensor in
      let (loss, gradients) = try valueAndGrad(of: module) { sum(square(module(x))) }
      module.setParameters(module.parameters(trainable: true) - 0.1 * gradients)
      return loss
    }
    _ = try update(x)
    module.linear.freeze()
    let kernel: Tensor = module.linear.kernel
    let last: Tensor = module.linear_2.kernel
    _ = try update(x)
    expectClose(module.linear.kernel as Tensor, kernel, atol: 0, rtol: 0)
    #expect(
      (module.linear_2.kernel as Tensor).scalars(as: Float.self) != last.scalars(as: Float.self))
    #expect(update.cacheDescription.contains("linear/kernel.trainable == true no longer holds"))
  }

  @Test("A part at inference stays there while the rest is trained")
  func partAtInference() throws {
    let module = Sequential(Linear(3), BatchNormalization(momentum: 0.5), Linear(1))
    try module.initialize(x)
    let model = Model(module: module, loss: MeanSquaredError(), optimizer: SGD(learningRate: 0.1))
    let statistics = { module.filter(.batchStatistic).values.map { $0.scalars(as: Float.self) } }
    module.layers[1].eval()
    let before = statistics()
    try model.fit(x: x, y: Tensor.ones([2, 1]), epochs: 1, verbose: .silent)
    #expect(statistics() == before)
    module.train()
    try model.fit(x: x, y: Tensor.ones([2, 1]), epochs: 1, verbose: .silent)
    #expect(statistics() != before)
  }

  @Test("optimizer.update changes what it has gradients for")
  func optimizerUpdate() throws {
    let module = try mlp()
    let before = module.parameters()
    let gradients = try grad(of: module) { sum(square(module(x))) }
    let optimizer = SGD(learningRate: 0.5)
    try optimizer.update(gradients.filter { path, _ in path.hasPrefix("linear_2") }, module)
    let after = module.parameters()
    for path in before.paths {
      let expected =
        try #require(before[path])
        - (path.hasPrefix("linear_2")
          ? 0.5 * #require(gradients[path]) : 0 * #require(before[path]))
      expectClose(try #require(after[path]), expected)
    }
    #expect(throws: EngineError.self) { try optimizer.update(gradients, Linear(2)) }
  }
}
