import Engine
import TestSupport
import Testing

/// vmap against a loop over the examples.
@Suite(.seeded) struct VmapTests {
  @Test(
    "Every operation mapped over examples gives what a loop gives, and so does its gradient",
    arguments: GradientTable.cases)
  func agreesWithLoop(_ row: GradientCase) throws {
    var generator = SeededGenerator(seed: 3)
    let examples = (0..<3).map { _ in row.arguments(&generator) }
    let count = examples[0].count
    let function = { (x: [Tensor]) in
      let value = try row.function(x)
      let gradients = try grad { (x: [Tensor]) in sum(square(try row.function(x))) }(x)
      return [value] + gradients
    }
    func check(_ mapped: [Bool]) throws {
      let inputs = (0..<count).map { index in
        mapped[index] ? stack(examples.map { $0[index] }) : examples[0][index]
      }
      let axes = MappedAxes.list(mapped.map { $0 ? 0 : nil })
      let actual = try vmap(function, inAxes: [axes])(inputs)
      let loop = try (0..<3).map { example in
        try function((0..<count).map { examples[mapped[$0] ? example : 0][$0] })
      }
      for index in actual.indices {
        expectClose(
          actual[index], stack(loop.map { $0[index] }), atol: 1e-11, rtol: 1e-11,
          "output \(index), mapped \(mapped)")
      }
    }
    try check([Bool](repeating: true, count: count))
    // Each argument alone.
    if count > 1 { for one in 0..<count { try check((0..<count).map { $0 == one }) } }
  }

  @Test func `examples can lie along any axis, of arguments and results`() throws {
    var generator = SeededGenerator(seed: 1)
    let (a, b) = (generator.uniform([4, 2, 3]), generator.uniform([3, 2, 5]))
    let product = vmap({ (a: Tensor, b: Tensor) in matmul(a, b) }, inAxes: [-1, 0], outAxes: 1)
    let actual = try product(a, b)
    let loop = (0..<3).map { matmul(a[.ellipsis, $0], b[$0]) }
    expectClose(actual, stack(loop, axis: 1), atol: 1e-12)
    #expect(actual.shape == [4, 3, 5])
  }

  @Test func `structures have axes by name and place`() throws {
    let weights = ["w": Tensor([1.0, 2]), "b": Tensor(10.0)]
    let f = { (p: [String: Tensor], x: [Tensor]) in
      ["y": sum((p["w"] ?? x[0]) * x[0]) + (p["b"] ?? x[0]) + x[1], "same": p["b"] ?? x[0]]
    }
    let mapped = vmap(
      f, inAxes: [["w": nil, "b": nil], [0, nil]], outAxes: ["y": 0, "same": nil])
    let result = try mapped(weights, [Tensor([[1.0, 1], [2, 0], [0, 3]]), Tensor(100.0)])
    expectClose(result["y"] ?? .ones([]), [113, 112, 116])
    #expect(result["same"]?.shape == [])
  }

  @Test func `what is the same for all examples is repeated`() throws {
    let mapped = vmap { (x: Tensor) in [x, Tensor(3.0), Tensor([1.0, 2])] }
    let result = try mapped(Tensor([5.0, 6]))
    #expect(result.map(\.shape) == [[2], [2], [2, 2]])
    expectClose(result[2], [1, 2, 1, 2])
  }

  @Test func `no examples give nothing, of the right shape`() throws {
    let mapped = vmap { (x: Tensor) in [sum(x), matmul(x, x.transposed)] }
    let result = try mapped(.zeros([0, 2, 3]))
    #expect(result.map(\.shape) == [[0], [0, 2, 2]])
  }

  @Test func `mistakes are named`() throws {
    let add = { (a: Tensor, b: Tensor) in a + b }
    let (two, three) = (Tensor([1.0, 2]), Tensor([1.0, 2, 3]))
    expectError("argument 1 has 3 examples") { _ = try vmap(add)(two, three) }
    expectError("inAxes is all nil") { _ = try vmap(add, inAxes: nil)(two, two) }
    expectError("axis 1 does not exist") { _ = try vmap(add, inAxes: [1, 0])(two, two) }
    expectError("inAxes has 3 entries") { _ = try vmap(add, inAxes: [0, 0, 0])(two, two) }
    expectError("cannot be nil") { _ = try vmap(add, outAxes: nil)(two, two) }
    let named = { (p: [String: Tensor]) in p["a"] ?? two }
    expectError("has no entry for a") { _ = try vmap(named, inAxes: [:])(["a": two]) }
    expectError("names b") {
      _ = try vmap(named, inAxes: ["a": 0, "b": 0])(["a": two])
    }
    expectError("cannot multiply") {
      _ = try vmap { (x: Tensor) in matmul(x, x) }(.ones([2, 3, 4]))
    }
  }

  @Test func `variables that would differ from example to example are an error`() throws {
    final class Counter: Module {
      func call(_ x: Tensor) -> Tensor {
        let total = variable("total", kind: .state)
        total.value = total.value + sum(x)
        return x * total.value
      }
    }
    let module = Counter()
    expectError("variable total would get another value") {
      _ = try vmap { (x: Tensor) in module(x) }(Tensor([1.0, 2]))
    }
    #expect(module(Tensor(1.0)).item() == 1)
  }

  @Test func `a variable that is the same for all examples can be written`() throws {
    final class Counter: Module {
      func call(_ x: Tensor) -> Tensor {
        let calls = variable("calls", kind: .state)
        calls.value = calls.value + 1.0
        return x * calls.value
      }
    }
    let module = Counter()
    let mapped = vmap { (x: Tensor) in module(x) }
    expectClose(try mapped(Tensor([1.0, 2])), [1, 2])
    expectClose(try mapped(Tensor([1.0, 2])), [2, 4])
    let compiled = jit(mapped)
    expectClose(try compiled(Tensor([1.0, 2])), [3, 6])
    expectClose(try compiled(Tensor([1.0, 2])), [4, 8])
  }

  @Test func `every example draws its own random numbers, and the next call others`() throws {
    let layer = Dropout(0.5)
    let mapped = vmap { (x: Tensor) in layer(x) }
    let first = try mapped(.ones([3, 64]))
    let second = try mapped(.ones([3, 64]))
    func row(_ x: Tensor, _ index: Int) -> [Double] { x[index].scalars() }
    #expect(row(first, 0) != row(first, 1) && row(first, 1) != row(first, 2))
    #expect(row(first, 0) != row(second, 0))
    #expect(first.scalars(as: Double.self).allSatisfy { $0 == 0 || $0 == 2 })
  }

  @Test func `what modules log inside is averaged over the examples`() throws {
    final class Inner: Module {
      func call(_ x: Tensor) -> Tensor {
        addLoss("inner", sum(x))
        return x
      }
    }
    final class Outer: Module {
      let inner = Inner()
      func call(_ x: Tensor) -> Tensor {
        (try? vmap { [inner] (x: Tensor) in inner(x) }(x)) ?? x
      }
    }
    let module = Outer()
    let (_, context) = module.run(isTraining: true) { module(Tensor([[1.0, 2], [3, 4]])) }
    #expect(context.notes.losses.map { $0.value.item() } == [5])
  }

  @Test(
    "The gradients of a module's parameters are the same over a batch and mapped over examples",
    arguments: [false, true])
  func parametersOfModule(isCompiled: Bool) throws {
    final class Network: Module {
      func call(_ x: Tensor) -> Tensor {
        let features = MaxPooling2D(2)(gelu(Conv2D(2, kernelSize: 2)(x)))
        return Linear(2)(LayerNormalization()(Flatten()(features)))
      }
    }
    var generator = SeededGenerator(seed: 6)
    let images = generator.uniform([3, 5, 5, 1])
    let module = Network()
    _ = module(images)
    let parameters = module.variables(.parameter)
    func gradients(_ forward: @escaping (Tensor) throws -> Tensor) throws -> [Tensor] {
      let slopes = { (x: Tensor) -> [Tensor] in
        let (value, found, _) = try vjpOfScalar(parameters.map(\.value)) { leaves in
          let overlay = VariableOverlay(Array(zip(parameters, leaves)))
          return (mean(square(try overlay { try forward(x) })), ())
        }
        return [value] + found
      }
      return isCompiled ? try jit(slopes)(images) : try slopes(images)
    }
    let mapped = vmap { (x: Tensor) in squeeze(module(expandDims(x, axis: 0)), axis: 0) }
    let expected = try gradients { module($0) }
    let actual = try gradients { try mapped($0) }
    #expect(actual.count == parameters.count + 1)
    for (a, b) in zip(actual, expected) { expectClose(a, b, atol: 1e-12, rtol: 1e-10) }
  }
}
