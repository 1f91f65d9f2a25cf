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

@Suite struct JitTests {
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
}
