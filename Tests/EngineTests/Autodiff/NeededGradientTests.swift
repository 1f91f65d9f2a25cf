import Engine
import TestSupport
import Testing

/// Multiplies, and says nothing of who needs what: a primitive as it was written before anybody asked.
private struct PlainProduct: Primitive {
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] { [inputs[0]] }
  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (a, b) = (inputs[0].pointer(as: Float.self), inputs[1].pointer(as: Float.self))
    let (y, count) = (outputs[0].pointer(as: Float.self), outputs[0].elementCount)
    return { for index in 0..<count { y[index] = a[index] * b[index] } }
  }
  func gradient(_ context: GradientContext) -> [Tensor?] {
    let g = context.incomingOrZeros()
    return [apply1(self, g, context.inputs[1]), apply1(self, g, context.inputs[0])]
  }
}

/// An operation whose gradients with respect to two tensors are work of their own.
struct TwoGradients: Sendable, CustomTestStringConvertible {
  let name: String
  let shapes: [[Int]]
  let body: @Sendable (Tensor, Tensor) -> Tensor
  var testDescription: String { name }

  init(
    _ name: String, _ a: [Int], _ b: [Int], _ body: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) {
    (self.name, shapes, self.body) = (name, [a, b], body)
  }

  static let all = [
    TwoGradients("matmul", [6, 4], [4, 5]) { matmul($0, $1) },
    TwoGradients("a batch of products", [3, 6, 4], [3, 4, 5]) { matmul($0, $1) },
    TwoGradients("*", [6], [6]) { $0 * $1 },
    TwoGradients("/", [6], [6]) { $0 / $1 },
    TwoGradients("pow", [6], [6]) { pow($0, $1) },
    TwoGradients("select", [6], [6]) { select($0 .> 1.5, $0, $1) },
    TwoGradients("maximum", [6], [6]) { maximum($0, $1) },
    TwoGradients("minimum", [6], [6]) { minimum($0, $1) },
    TwoGradients("convolution", [2, 6, 6, 3], [3, 3, 3, 4]) { conv($0, $1) },
  ]
}

@Suite struct NeededGradientTests {
  @Test(arguments: TwoGradients.all)
  func `a gradient computes only what is asked for`(_ item: TwoGradients) throws {
    var generator = SeededGenerator(seed: 5)
    let a = 1 + generator.uniform(Shape(item.shapes[0]), dtype: .float32)
    let b = 1 + generator.uniform(Shape(item.shapes[1]), dtype: .float32)
    func measure(_ body: () throws -> [Tensor]) throws -> (found: [Tensor], allocations: Int) {
      var found: [Tensor] = []
      let count = try StorageStatistics.allocations { found = try body() }
      return (found, count)
    }
    let both = try measure {
      try grad { (p: [Tensor]) in sum(item.body(p[0], p[1])) }([a, b])
    }
    let first = try measure { [try grad { (a: Tensor) in sum(item.body(a, b)) }(a)] }
    let second = try measure { [try grad { (b: Tensor) in sum(item.body(a, b)) }(b)] }
    expectClose(first.found[0], both.found[0], atol: 0, rtol: 0)
    expectClose(second.found[0], both.found[1], atol: 0, rtol: 0)
    // The second gradient of a quotient is made from the first one.
    #expect(first.allocations < both.allocations)
    #expect(first.allocations + second.allocations < 2 * both.allocations)
  }

  @Test func `no gradient of the data is computed in the first layer`() throws {
    let layer = Linear(3, useBias: false)
    let x = Tensor.ones([500, 40])
    _ = layer(x)
    let kernel: Tensor = layer.kernel
    func allocations(_ body: () throws -> Void) rethrows -> Int {
      try StorageStatistics.allocations(during: body)
    }
    let parameters = try allocations { _ = try grad(of: layer) { sum(layer(x)) } }
    let all = try allocations {
      _ = try grad { (p: [Tensor]) in sum(matmul(p[0], p[1])) }([x, kernel])
    }
    #expect(parameters < all)
  }

  @Test func `a rule that does not ask who needs what works as before`() throws {
    let (a, b) = (Tensor([1, 2, 3] as [Float]), Tensor([4, 5, 6] as [Float]))
    expectClose(try grad { (a: Tensor) in sum(apply1(PlainProduct(), a, b)) }(a), b)
    expectClose(try grad { (b: Tensor) in sum(apply1(PlainProduct(), a, b)) }(b), a)
    let both = try grad { (p: [Tensor]) in sum(apply1(PlainProduct(), p[0], p[1])) }([a, b])
    expectClose(both[0], b)
    expectClose(both[1], a)
    let second = try grad { (a: Tensor) in
      sum(try grad { (t: Tensor) in sum(apply1(PlainProduct(), t, t) * b) }(a))
    }(a)
    expectClose(second, 2 * b)
  }

  @Test func `attention and checkpoints give some gradients without the others`() throws {
    var generator = SeededGenerator(seed: 9)
    let inputs = (0..<3).map { _ in generator.uniform([2, 5, 2, 4], dtype: .float32) }
    let mask = generator.uniform([2, 2, 5, 5], dtype: .float32)
    func loss(_ p: [Tensor]) -> Tensor {
      sum(square(scaledDotProductAttention(p[0], p[1], p[2], mask: p[3])))
    }
    let arguments = inputs + [mask]
    let all = try grad(loss)(arguments)
    for index in arguments.indices {
      func alone(_ x: Tensor) -> [Tensor] {
        var list = arguments
        list[index] = x
        return list
      }
      expectClose(try grad { (x: Tensor) in loss(alone(x)) }(arguments[index]), all[index])
      let again = checkpoint { (p: [Tensor]) in loss(p) }
      expectClose(try grad { (x: Tensor) in try again(alone(x)) }(arguments[index]), all[index])
    }
  }
}
