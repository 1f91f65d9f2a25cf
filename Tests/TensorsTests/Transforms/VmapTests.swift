import Tensors
import TensorsTestSupport
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
}
