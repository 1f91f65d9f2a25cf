import Engine
import TestSupport
import Testing

private final class MLP: Module {
  func call(_ x: Tensor) -> Tensor {
    var x = relu(Linear(8)(x))
    x = relu(Linear(4)(x))
    return Linear(1)(x)
  }
}

private final class Properties: Module {
  let first = Linear(4)
  let blocks = [Linear(4), Linear(4)]
  let shared = MLP()

  func call(_ x: Tensor) -> Tensor {
    var x = first(x)
    for block in blocks { x = block(x) }
    return shared(x) + Linear(1)(x)
  }
}

private final class Conditional: Module {
  var isDeep = true
  var isConvolution = false

  func call(_ x: Tensor) -> Tensor {
    let y = isConvolution ? Tanh()(x) : Linear(2)(x)
    return isDeep ? Linear(2)(y) : y
  }
}

private final class Counter: Module {
  func call(_ x: Tensor) -> Tensor {
    let count = parameter("count", shape: [], initializer: Zeros(), trainable: false)
    updateParameter("count", to: count + 1)
    addLoss("activity", sum(x))
    addLoss("activity", sum(x))
    addMetric("mean", x)
    addSummary("input", x)
    return x + count
  }
}

private final class Random: Module {
  func call(_ x: Tensor) -> Tensor { stack([nextKey(), nextKey()]) }
}

private final class Outer: Module {
  func call(_ x: Tensor) -> Tensor { Counter()(Linear(1)(x)) }
}

@Suite("Modules are hooks", .seeded)
struct ModuleTests {
  @Test("Modules made in call are named by type and number and are the same after every call")
  func names() {
    let mlp = MLP()
    let x = Tensor.ones([2, 3])
    let first = mlp(x)
    let modules = [mlp.linear, mlp.linear_1, mlp.linear_2]
    #expect(mlp.children.map(\.name) == ["linear", "linear_1", "linear_2"])
    #expect(
      mlp.namedVariables.map(\.path) == [
        "linear/kernel", "linear/bias", "linear_1/kernel", "linear_1/bias", "linear_2/kernel",
        "linear_2/bias",
      ])
    expectClose(mlp(x), first, atol: 0, rtol: 0)
    let again = [mlp.linear, mlp.linear_1, mlp.linear_2]
    #expect(zip(modules, again).allSatisfy { $0 === $1 })
    #expect((mlp.linear.kernel as Tensor).shape == [3, 8])
    #expect(mlp.child("linear_3") == nil)
  }

  @Test("The initial values depend on seed and path alone")
  func initialValues() {
    let (a, b, c) = (MLP(), MLP(), MLP())
    (a.seed, b.seed, c.seed) = (5, 5, 7)
    let x = Tensor.ones([1, 3])
    expectClose(a(x), b(x), atol: 0, rtol: 0)
    #expect(a(x).item() != c(x).item())
    let kernels = [a.linear_1.kernel as Tensor, b.linear_1.kernel as Tensor]
    expectClose(kernels[0], kernels[1], atol: 0, rtol: 0)
  }

  @Test("Modules in properties take the property's name and come before those made in call")
  func properties() {
    let module = Properties()
    let x = Tensor.ones([2, 3])
    let first = module(x)
    #expect(
      module.children.map(\.name) == ["first", "blocks/0", "blocks/1", "shared", "linear"])
    #expect(module.child("first") === module.first)
    #expect(module.child("blocks/1") === module.blocks[1])
    #expect(module.namedVariables[0].path == "first/kernel")
    #expect(module.namedVariables.contains { $0.path == "shared/linear_2/bias" })
    expectClose(module(x), first, atol: 0, rtol: 0)
    #expect(module.trainableVariables.count == 14)
  }

  @Test("A module missing, a module too many and a module of another kind are errors")
  func conditionalHooks() {
    let x = Tensor.ones([1, 2])
    let deep = Conditional()
    _ = deep(x)
    deep.isDeep = false
    expectError("this call made 1 modules, earlier ones made 2: Linear \"linear_1\" is missing") {
      _ = deep(x)
    }
    let shallow = Conditional()
    shallow.isDeep = false
    _ = shallow(x)
    shallow.isDeep = true
    expectError("hook 2 makes Linear \"linear_1\", but earlier calls made 1 modules only") {
      _ = shallow(x)
    }
    let other = Conditional()
    _ = other(x)
    other.isConvolution = true
    expectError("hook 1 was Linear") { _ = other(x) }
    expectError("and is now Tanh") { _ = other(x) }
  }

  @Test("A module with other arguments in the same place is an error")
  func otherArguments() {
    nonisolated(unsafe) var units = 2
    let module = Lambda { x in Linear(units)(x) }
    _ = module(Tensor.ones([1, 2]))
    units = 3
    expectError("units: 2") { _ = module(Tensor.ones([1, 2])) }
  }

  @Test("updateParameter changes what the next call sees, at once and compiled")
  func updateParameter() throws {
    let counter = Counter()
    #expect(counter(Tensor(0.0)).item() == 0)
    #expect(counter(Tensor(0.0)).item() == 1)
    #expect(counter.trainableVariables.isEmpty)
    let compiled = jit { (x: [Tensor]) in [counter(x[0])] }
    #expect(try compiled([Tensor(0.0)])[0].item() == 2)
    #expect(try compiled([Tensor(0.0)])[0].item() == 3)
    #expect((counter.count as Tensor).item() == 4)
  }

  @Test("Losses, metrics and summaries are collected with their paths")
  func collected() {
    let outer = Outer()
    let context = outer.run(isTraining: true) { outer(Tensor.ones([2, 3])) }.context
    #expect(context.notes.losses.map(\.name) == ["activity_loss", "activity_loss"])
    #expect(context.notes.metrics.map(\.name) == ["counter/mean"])
    #expect(context.notes.summaries.map(\.name) == ["counter/input"])
    #expect(context.notes.metrics[0].value.rank == 0)
    #expect(context.notes.losses[0].value.rank == 0)
  }

  @Test("Random keys differ from use to use and from call to call")
  func keys() throws {
    let module = Random()
    let x = Tensor(0.0)
    let calls = [module(x), module(x)].map { $0.scalars(as: Int64.self) }
    let keys = calls.flatMap { [Array($0[0..<2]), Array($0[2..<4])] }
    #expect(Set(keys).count == 4)
    let compiled = jit { (x: [Tensor]) in [module(x[0])] }
    let first = try compiled([x])[0].scalars(as: Int64.self)
    let second = try compiled([x])[0].scalars(as: Int64.self)
    #expect(first != second)
    expectError("nextKey() outside of a module's call") { _ = module.nextKey() }
  }

  @Test("An error inside a module names its path")
  func located() {
    let outer = Lambda { x in
      let y = Linear(2)(x)
      return Lambda(name: "inner") { matmul($0, Tensor.ones([3, 1])) }(y)
    }
    expectError("in module inner: matmul: cannot multiply [1, 2] by [3, 1]") {
      _ = outer(Tensor.ones([1, 2]))
    }
  }

  @Test("Of nested calls in one expression the outer module comes first, as Swift evaluates it")
  func order() {
    let module = Lambda { x in Linear(1)(Linear(4)(x)) }
    _ = module(Tensor.ones([1, 2]))
    #expect((module.linear.kernel as Tensor).shape == [4, 1])
    #expect((module.linear_1.kernel as Tensor).shape == [2, 4])
  }

  @Test("Training reaches the inner modules and is set on the outermost")
  func training() {
    let module = Sequential(Dropout(0.5))
    let x = Tensor.ones([50])
    #expect(module(x).scalars(as: Float.self).contains(0))
    #expect(!module.eval()(x).scalars(as: Float.self).contains(0))
    #expect(module.train()(x).scalars(as: Float.self).contains(0))
  }

  @Test("Gradients reach parameters through an overlay and statistics are still updated")
  func overlay() throws {
    let module = Sequential(Linear(3), BatchNormalization(momentum: 0.5), Linear(1))
    var generator = SeededGenerator(seed: 2)
    let x = generator.uniform([6, 4], dtype: .float32)
    _ = module(x)
    let parameters = module.trainableVariables
    let before = module.variables(.batchStatistic).map { $0.value.scalars(as: Float.self) }
    let gradients = try grad { (values: [Tensor]) in
      let overlay = VariableOverlay(Array(zip(parameters, values)))
      return overlay { sum(square(module(x))) }
    }(parameters.map(\.value))
    #expect(gradients.map(\.shape) == parameters.map(\.shape))
    #expect(gradients[0].scalars(as: Float.self).contains { $0 != 0 })
    let after = module.variables(.batchStatistic).map { $0.value.scalars(as: Float.self) }
    #expect(before != after)
    // A batch that was normalised does not notice a constant added before: the first bias.
    expectClose(gradients[1], [0, 0, 0], atol: 1e-4)
  }

  @Test("Frozen parameters are left out, and come back")
  func freezing() {
    let mlp = MLP()
    _ = mlp(Tensor.ones([1, 3]))
    mlp.linear.freeze()
    #expect(mlp.trainableVariables.map(\.path).first == "linear_1/kernel")
    #expect(mlp.trainableVariables.count == 4)
    mlp.unfreeze()
    #expect(mlp.trainableVariables.count == 6)
  }
}

@Suite("Sequential", .seeded)
struct SequentialTests {
  @Test("Children are named by position")
  func names() {
    let module = Sequential([Flatten(), Linear(2), Lambda { $0 * 2 }, Linear(1)])
    _ = module(Tensor.ones([2, 2, 2]))
    #expect(
      module.namedVariables.map(\.path) == [
        "layers/1/kernel", "layers/1/bias", "layers/3/kernel", "layers/3/bias",
      ])
    #expect(module.child("layers/2") === module.layers[2])
    expectClose(Sequential()(Tensor([1.0])), [1])
  }

  @Test("Errors name the position")
  func errors() {
    let module = Sequential(Linear(2), MaxPooling2D())
    expectError("in module layers/1: MaxPooling2D: expected images") {
      _ = module(Tensor.ones([1, 2]))
    }
    expectError("layer 0 (AnyModule): has no call") {
      _ = Sequential([AnyModule()])(Tensor([1.0]))
    }
  }

  @Test("Made inside another module's call its layers are found again")
  func asHook() {
    let outer = Lambda { x in Sequential(Linear(2), Tanh())(x) }
    let x = Tensor.ones([1, 3])
    let first = outer(x)
    expectClose(outer(x), first, atol: 0, rtol: 0)
    #expect(
      outer.namedVariables.map(\.path) == [
        "sequential/layers/0/kernel", "sequential/layers/0/bias",
      ])
  }
}

@Suite(.seeded) struct StrangerTests {
  private final class Outer: Module {
    let inner: () -> Linear
    init(_ inner: @escaping () -> Linear) {
      self.inner = inner
      super.init()
    }
    func call(_ x: Tensor) -> Tensor { inner()(x) }
  }

  @Test("a module that was made elsewhere belongs to the one that calls it")
  func stranger() {
    let shared = Linear(2)
    let outer = Outer { shared }
    for _ in 0..<2 { outer(.ones([1, 3])) }
    #expect(outer.namedVariables.map(\.path) == ["linear/kernel", "linear/bias"])
    #expect(outer.linear === shared)
    #expect(outer.trainableVariables.count == 2)
  }
}
