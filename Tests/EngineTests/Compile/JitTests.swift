import Engine
import TestSupport
import Testing

private struct Pair: Codable {
  var a: Tensor
  var b: [String: Tensor]
}

private final class Counter: Module {
  func call(_ x: Tensor) -> Tensor {
    let calls = variable("calls", kind: .state)
    calls.value = calls.value + 1.0
    return x * calls.value
  }
}

@Suite(.seeded) struct JitTests {
  @Test func `structures go in and come out`() throws {
    let function = jit { (p: Pair, factor: Tensor) in
      Pair(a: p.a * factor, b: ["sum": p.a + (p.b["x"] ?? p.a)])
    }
    let result = try function(
      Pair(a: Tensor([1.0, 2]), b: ["x": Tensor([10.0, 20])]), Tensor(3.0))
    #expect(result.a.scalars(as: Double.self) == [3, 6])
    #expect(result.b["sum"]?.scalars(as: Double.self) == [11, 22])
  }

  @Test func `another shape is compiled again, the same one is not`() throws {
    let function = jit { (x: Tensor) in sum(x) }
    for size in [2, 3, 2, 3, 2] { _ = try function(.ones([size])) }
    #expect(function.cacheCount == 2)
    #expect(function.cacheDescription.split(separator: "\n").count == 2)
  }

  @Test func `a variable that the function changes keeps its value from call to call`() throws {
    let module = Counter()
    let function = jit { (x: Tensor) in module(x) }
    #expect(try (0..<3).map { _ in try function(Tensor(10.0)).item() } == [10, 20, 30])
    #expect(module(Tensor(1.0)).item() == 4)
    #expect(try function(Tensor(1.0)).item() == 5)
  }

  @Test func `training mode is a reason to compile again`() throws {
    final class Mode: Module {
      func call(_ x: Tensor) -> Tensor { isTraining ? x : -x }
    }
    let module = Mode()
    let function = jit { (x: Tensor) in module(x) }
    #expect(try function(Tensor(1.0)).item() == 1)
    module.eval()
    #expect(try function(Tensor(1.0)).item() == -1)
    #expect(function.cacheDescription.contains("isTraining"))
  }

  @Test func `gradients can be taken inside and outside`() throws {
    let cube = jit { (x: Tensor) in x * x * x }
    #expect(try grad { (x: Tensor) in try cube(x) }(Tensor(2.0)).item() == 12)
    let slope = jit { (x: Tensor) in try grad(grad { (t: Tensor) in t * t * t })(x) }
    #expect(try slope(Tensor(2.0)).item() == 12)
  }

  @Test func `a gradient has the form of its argument`() throws {
    let (value, gradient) = try valueAndGrad { (p: Pair) in
      sum(p.a * p.a) + sum((p.b["x"] ?? p.a) * 3.0)
    }(Pair(a: Tensor([1.0, 2]), b: ["x": Tensor([5.0])]))
    #expect(value.item() == 20)
    #expect(gradient.a.scalars(as: Double.self) == [2, 4])
    #expect(gradient.b["x"]?.scalars(as: Double.self) == [3])
  }

  @Test func `the cache says what was compiled, for what, why, and how often it was used`() throws {
    let function = jit { (p: Pair, factor: Tensor) in sum(p.a * factor) }
    func call(_ size: Int, _ factor: Tensor) throws {
      _ = try function(Pair(a: .ones([size]), b: [:]), factor)
    }
    for _ in 0..<3 { try call(2, Tensor(1.0)) }
    try call(3, Tensor(1.0))
    try call(3, Tensor([1.0]))
    try call(2, Tensor(1.0))
    let lines = function.cacheDescription.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("plan 1 for [{a: float32[2], b: {}}, float32[]]: "))
    #expect(lines[0].contains("used 4 times") && lines[0].hasSuffix("because: first call"))
    #expect(lines[0].contains(" ms") && lines[0].contains("operation"))
    #expect(lines[1].hasSuffix("argument 0/a was float32 [2], is float32 [3]"))
    #expect(lines[2].hasSuffix("argument 1 was float32 [], is float32 [1]"))
    #expect(lines[2].contains("used once"))
  }

  @Test func `another form is a reason to compile again, with its plan kept`() throws {
    let function = jit { (x: [Tensor]) in sum(x[0]) }
    for count in [1, 2, 1, 2] { _ = try function([Tensor](repeating: Tensor(1.0), count: count)) }
    #expect(function.cacheCount == 2)
    #expect(function.cacheDescription.contains("because: another form than plan 1"))
  }

  @Test func `the plan that was not used for longest makes room`() throws {
    let function = jit(cacheLimit: 2) { (x: Tensor) in sum(x) }
    for size in [1, 2, 1, 3, 1] { _ = try function(.ones([size])) }
    #expect(function.cacheCount == 2)
    #expect(function.cacheDescription.contains("plan 1 for [float32[1]]"))
    #expect(!function.cacheDescription.contains("float32[2]:"))
    _ = try function(.ones([2]))
    #expect(function.cacheDescription.hasSuffix("because: its plan was discarded to make room"))
  }

  @Test func `training and inference have a plan each`() throws {
    let layer = Dropout(0.5)
    let function = jit { (x: Tensor) in layer(x) }
    for _ in 0..<3 {
      _ = try function(.ones([8]))
      layer.eval()
      expectClose(try function(.ones([8])), .ones([8]))
      layer.train()
    }
    #expect(function.cacheCount == 2)
    #expect(function.cacheDescription.contains("Dropout.isTraining == true no longer holds"))
  }

  @Test func `freezing is a reason to compile again where it matters, and only there`() throws {
    let layer = BatchNormalization()
    let x = Tensor([[1.0, 2], [3, 6]])
    _ = layer(x)
    let function = jit { (x: Tensor) in layer(x) }
    let other = jit { (x: Tensor) in x * 2.0 }
    let training = try function(x)
    _ = try other(x)
    layer.freeze()
    let frozen = try function(x)
    _ = try other(x)
    #expect(training.scalars(as: Double.self) != frozen.scalars(as: Double.self))
    expectClose(frozen, layer(x))
    #expect(function.cacheCount == 2 && other.cacheCount == 1)
    #expect(function.cacheDescription.contains("trainable == true no longer holds"))
  }

  @Test func `new variables are a reason to compile again for who lists them`() throws {
    let linear = Linear(2)
    let function = jit { (x: Tensor) in
      linear.variables.reduce(sum(x)) { $0 + sum($1.value) * 0.0 + 1.0 }
    }
    #expect(try function(Tensor([1.0])).item() == 1)
    _ = linear(.ones([1, 3]))
    #expect(try function(Tensor([1.0])).item() == 3)
    #expect(function.cacheDescription.contains("variables.count == 0 no longer holds"))
  }

  @Test func `an error leaves the cache as it was`() throws {
    let function = jit { (x: Tensor) in matmul(x, x) }
    expectClose(try function(.ones([2, 2])), [2, 2, 2, 2])
    expectError("cannot multiply") { _ = try function(.ones([2, 3])) }
    #expect(function.cacheCount == 1)
    expectClose(try function(.ones([2, 2])), [2, 2, 2, 2])
    let take = jit { (x: Tensor, i: Tensor) in x.take(i) }
    expectError("does not exist") { _ = try take(Tensor([1.0, 2]), Tensor([5])) }
    expectClose(try take(Tensor([1.0, 2]), Tensor([1])), [2])
    #expect(take.cacheCount == 1)
  }

  @Test func `a jitted function inside another is part of it`() throws {
    let inner = jit { (x: Tensor) in x * 2.0 }
    let outer = jit { (x: Tensor) in try inner(x) + 1.0 }
    expectClose(try outer(Tensor([1.0, 2])), [3, 5])
    #expect(inner.cacheCount == 0 && outer.cacheCount == 1)
  }
}
