import Tensors
import TensorsTestSupport
import Testing

@Suite("Loops", .seeded) struct ScanTests {
  @Test(
    "A loop gives what its steps give, one after the other, in both directions and along any axis")
  func agreesWithSteps() throws {
    var generator = SeededGenerator(seed: 1)
    let x = generator.uniform([2, 4, 3])
    for axis in [0, 1, 2, -1] {
      for reverse in [false, true] {
        let position = axis < 0 ? axis + 3 : axis
        let count = x.shape[axis]
        func part(_ index: Int) -> Tensor { take(x, Tensor(index), axis: position) }
        var sum = Tensor.zeros(part(0).shape, dtype: .float64)
        let order = reverse ? Array((0..<count).reversed()) : Array(0..<count)
        var expected = [Tensor](repeating: sum, count: count)
        for index in order {
          sum = sum * 0.5 + part(index)
          expected[index] = sum * part(index)
        }
        let f = { (x: Tensor) in
          let (last, all) = try scan(
            over: x, initial: Tensor.zeros(part(0).shape, dtype: .float64), axis: axis,
            reverse: reverse
          ) { (sum: Tensor, x: Tensor) in
            let next = sum * 0.5 + x
            return (next, next * x)
          }
          return [last, all]
        }
        for found in [try f(x), try jit(f)(x)] {
          expectClose(found[0], sum, atol: 1e-15)
          expectClose(found[1], stack(expected, axis: position), atol: 1e-15)
        }
      }
    }
  }

  private struct State: Codable, Equatable {
    var sum: Tensor
    var count: Tensor
    static func == (a: State, b: State) -> Bool { a.count.shape == b.count.shape }
  }

  @Test("State, slices and results are structures; integers are counted")
  func structures() throws {
    let xs = ["a": Tensor([1.0, 2, 3]), "b": Tensor([10.0, 20, 30])]
    let (last, results) = try scan(over: xs, initial: State(sum: Tensor(0.0), count: Tensor(0))) {
      (state: State, x: [String: Tensor]) in
      let sum = state.sum + (x["a"] ?? state.sum) * (x["b"] ?? state.sum)
      return (
        State(sum: sum, count: state.count + 1), ["sum": sum, "before": state.count]
      )
    }
    #expect(last.sum.item() as Double == 140)
    #expect(last.count.dtype == .int32 && last.count.scalars(as: Int.self) == [3])
    expectClose(results["sum"] ?? .zeros([]), [10, 50, 140])
    #expect(results["before"]?.scalars(as: Int.self) == [0, 1, 2])
  }

  private static func recurrent(_ x: Tensor, _ w: Tensor) throws -> [Tensor] {
    let f = { (x: [Tensor]) in
      let first = Tensor.zeros([x[0].shape[1], x[1].shape[0]], dtype: x[0].dtype)
      let (last, all) = try scan(over: x[0], initial: first) { (h: Tensor, s: Tensor) in
        let next = softsign(matmul(h, x[1]) + s)
        return (next, next)
      }
      return sum(last) + sum(square(all))
    }
    let (value, gradients) = try valueAndGrad(f)([x, w])
    return [value] + gradients
  }

  private static func softsign(_ x: Tensor) -> Tensor { x / (1 + abs(x)) }

  @Test("A plan is the same for any number of steps, and neither it nor a step of it allocates")
  func planSize() throws {
    let plans = try [5, 50].map { steps in
      let specs = [TensorSpec([steps, 2, 3], .float32), TensorSpec([3, 3], .float32)]
      return try Plan(Trace.record(specs) { try Self.recurrent($0[0], $0[1]) })
    }
    #expect(plans[0].instructions.count == plans[1].instructions.count)
    #expect(plans[1].instructions.filter { $0.primitive.name == "scan" }.count == 2)
    #expect(try StorageStatistics.allocations { try plans[1].run() } == 0)
  }

  @Test("The bits do not depend on the number of threads")
  func threads() throws {
    var generator = SeededGenerator(seed: 2)
    let x = generator.uniform([7, 80, 96], dtype: .float32)
    let w = generator.uniform([96, 96], dtype: .float32) * 0.1
    let results = try [1, 2, 3].map { threads in
      try ComputeThreads.with(threads) { try jit(Self.recurrent)(x, w) }
    }
    for other in results[1...] {
      for (a, b) in zip(other, results[0]) {
        #expect(a.scalars(as: Float.self) == b.scalars(as: Float.self))
      }
    }
  }

  @Test("A gradient that nobody knew of runs the loop once more")
  func lateGradient() throws {
    var generator = SeededGenerator(seed: 3)
    let (x, w) = (generator.uniform([4, 2, 3]), generator.uniform([3, 3]))
    let leaves = [x, w].map { Node(leaf: $0) }
    // Outside of `grad`, so that nothing is kept.
    let (last, _) = try scan(
      over: leaves[0].output(0), initial: Tensor.zeros([2, 3], dtype: .float64)
    ) { (h: Tensor, s: Tensor) in
      let next = Self.softsign(matmul(h, leaves[1].output(0)) + s)
      return (next, next)
    }
    let found = backward(from: [last], seeds: [.ones([2, 3], dtype: .float64)], to: leaves)
    let expected = try grad { (x: [Tensor]) in
      var h = Tensor.zeros([2, 3], dtype: .float64)
      for step in 0..<4 { h = Self.softsign(matmul(h, x[1]) + x[0][step]) }
      return sum(h)
    }([x, w])
    for (a, b) in zip(found, expected) { expectClose(a ?? .zeros([]), b, atol: 1e-14) }
  }

  @Test("Variables that a step writes go from step to step")
  func variables() throws {
    let counter = Variable(path: "counter", kind: .state, initial: Tensor(1.0))
    let factor = Variable(path: "factor", kind: .parameter, initial: Tensor(2.0))
    func run(_ x: Tensor) throws -> Tensor {
      try scan(over: x, initial: Tensor(0.0)) { (sum: Tensor, x: Tensor) in
        counter.value = counter.value * factor.value
        return (sum + x, x * counter.value)
      }.results
    }
    let x = Tensor([1.0, 1, 1])
    expectClose(try run(x), [2, 4, 8])
    #expect(counter.value.item() as Double == 8)
    let compiled = jit { (x: Tensor) in try run(x) }
    for end in [64.0, 512] {
      expectClose(try compiled(x), [end / 4, end / 2, end])
      #expect(counter.value.item() as Double == end)
    }
  }

  @Test("A step that asks for values is done for each slice, where there are values")
  func values() throws {
    var calls = 0
    let (last, all) = try scan(over: Tensor([3.0, -1, 2]), initial: Tensor(0.0)) {
      (sum: Tensor, x: Tensor) in
      calls += 1
      return (x.item() as Double > 0 ? sum + x : sum, sum)
    }
    #expect(last.item() as Double == 5)
    expectClose(all, [0, 3, 3])
    #expect(calls == 4)
  }

  @Test("Rounded factors reach the products of a step")
  func precision() throws {
    var generator = SeededGenerator(seed: 5)
    let x = generator.uniform([2, 16, 32], dtype: .float32)
    let w = generator.uniform([32, 32], dtype: .float32)
    func run(
      _ f: ([Tensor]) throws -> [Tensor], _ passes: [any Pass]
    ) throws -> Tensor {
      try Plan(Trace.record([x.spec, w.spec], f), passes: passes + Passes.standard)([x, w])[0]
    }
    let loop = { (x: [Tensor]) in
      [
        try scan(over: x[0], initial: Tensor.zeros([16, 32])) { (h: Tensor, s: Tensor) in
          (matmul(h + s, x[1]), s)
        }.state
      ]
    }
    let steps = { (x: [Tensor]) in
      [matmul(matmul(x[0][0], x[1]) + x[0][1], x[1])]
    }
    let rounded = try run(loop, [BFloat16Products()])
    expectClose(rounded, try run(steps, [BFloat16Products()]), atol: 1e-5)
    #expect(max(abs(rounded - (try run(loop, [])))).item() as Double > 1e-3)
  }

  @Test("What does not fit is an error that says what was expected")
  func errors() {
    func run(
      _ x: [Tensor], axis: Int = 0,
      _ step: (Tensor, [Tensor]) throws -> (state: Tensor, result: Tensor) = { ($0, $1[0]) }
    ) throws { _ = try scan(over: x, initial: Tensor(0.0), axis: axis, step) }
    expectError("scan: input 1 [3] has 3 steps along axis 0, an earlier one has 2") {
      try run([.zeros([2]), .zeros([3])])
    }
    expectError("scan: there must be an input with one step at least along axis 0, got [[0]]") {
      try run([.zeros([0])])
    }
    expectError("scan: there must be an input with one step at least along axis 0, got []") {
      try run([])
    }
    expectError("scan: axis 1 does not exist in shape [2]") { try run([.zeros([2])], axis: 1) }
    expectError(
      "scan: the next state is float32 [2], the one before is float32 []: a step must keep"
    ) {
      try run([.zeros([2])]) { (stack([$0, $0]), $1[0]) }
    }
    expectError("matmul: cannot multiply [3] by [4]") {
      try run([.zeros([2, 3]), .zeros([2, 4])]) { ($0, matmul($1[0], $1[1])) }
    }
  }
}
