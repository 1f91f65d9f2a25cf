import Foundation
import Tensors
import TensorsTestSupport
import Testing

private struct Weights: Codable {
  var kernel: Tensor
  var bias: [String: Tensor]
  var steps: Tensor
}

private func weights() -> Weights {
  var generator = SeededGenerator(seed: 5)
  return Weights(
    kernel: generator.uniform([3, 2]), bias: ["b": generator.uniform([2])], steps: Tensor([1, 2]))
}

private func loss(_ p: Weights, _ x: Tensor, _ y: Tensor) -> Tensor {
  let prediction = tanh(matmul(x, p.kernel) + (p.bias["b"] ?? x))
  return mean(square(prediction - y))
}

/// The transforms of functions, alone and of each other.
@Suite struct TransformTests {
  private let x = Tensor([0.3, -1.2, 2], dtype: .float64)
  private let v = Tensor([1.0, 0.5, -2], dtype: .float64)

  // MARK: grad

  @Test func `the gradient is by the first of several arguments, in its form`() throws {
    var generator = SeededGenerator(seed: 2)
    let (p, x, y) = (weights(), generator.uniform([4, 3]), generator.uniform([4, 2]))
    let (value, gradient) = try valueAndGrad(loss)(p, x, y)
    expectClose(value.item(), loss(p, x, y).item())
    #expect(gradient.steps.dtype == p.steps.dtype)
    expectClose(gradient.steps, [0, 0])
    let flat = try grad { (t: [Tensor]) in
      loss(Weights(kernel: t[0], bias: ["b": t[1]], steps: p.steps), x, y)
    }([p.kernel, p.bias["b"] ?? x])
    expectClose(gradient.kernel, flat[0], atol: 1e-14)
    expectClose(gradient.bias["b"] ?? x, flat[1], atol: 1e-14)
    expectClose(try grad(loss)(p, x, y).kernel, flat[0], atol: 1e-14)
  }

  @Test func `gradients are by the arguments with these numbers, zeros by the others`() throws {
    let f = { (a: Tensor, b: Tensor, c: Tensor) in sum(a * square(b) * c) }
    let (a, b, c) = (Tensor([1.0, 2]), Tensor([3.0, 4]), Tensor([5.0, 6]))
    let (value, gradients) = try valueAndGrad(f, argumentNumbers: [1, -1])(a, b, c)
    #expect(value.item() == 237)
    expectClose(gradients.0, [0, 0])
    expectClose(gradients.1, [30, 96])
    expectClose(gradients.2, [9, 32])
    expectClose(try grad(f, argumentNumbers: [0])(a, b, c).0, [45, 96])
    expectError("argument 3 does not exist: the function takes 3") {
      _ = try grad(f, argumentNumbers: [3])(a, b, c)
    }
  }

  @Test func `a function may give something else besides its value`() throws {
    let f = { (a: Tensor, b: Tensor) in (sum(a * b), ["product": a * b]) }
    let (a, b) = (Tensor([1.0, 2]), Tensor([3.0, 4]))
    let (value, auxiliary, gradient) = try valueAndGrad(withAuxiliary: f)(a, b)
    #expect(value.item() == 11)
    expectClose(auxiliary["product"] ?? a, [3, 8])
    expectClose(gradient, [3, 4])
    let second = try valueAndGrad(withAuxiliary: f, argumentNumbers: [1])(a, b)
    expectClose(second.gradients.1, [1, 2])
    // The auxiliary output does not hold on to the computation: compiled functions take it as a value.
    let compiled = jit { (x: Tensor) in x * 2.0 }
    _ = try compiled(auxiliary["product"] ?? a)
    #expect(compiled.cacheCount == 1)
  }

  // MARK: vjp, jvp

  @Test func `a pullback turns gradients of the value into gradients of the arguments`() throws {
    let f = { (a: Tensor, b: Tensor) in ["sum": a + b, "product": a * b] }
    let (a, b) = (Tensor([1.0, 2]), Tensor([3.0, 4]))
    let (value, pullback) = try vjp(f)(a, b)
    expectClose(value["product"] ?? a, [3, 8])
    let (da, db) = try pullback(["sum": Tensor([1.0, 1]), "product": Tensor([10.0, 100])])
    expectClose(da, [31, 401])
    expectClose(db, [11, 201])
    // Any number of times.
    expectClose(try pullback(["sum": Tensor([1.0, 0]), "product": Tensor([0.0, 0])]).0, [1, 0])
    expectError("must have the shapes of the value") {
      _ = try pullback(["sum": Tensor(1.0), "product": Tensor([0.0, 0])])
    }
  }

  @Test func `forward mode gives the derivative along a direction`() throws {
    let (value, tangent) = try jvp { (x: Tensor) in sin(x) * x }(x, v)
    expectClose(value, sin(x) * x, atol: 1e-14)
    expectClose(tangent, (cos(x) * x + sin(x)) * v, atol: 1e-14)
  }

  @Test(
    "Forward mode agrees with reverse mode for every operation",
    arguments: GradientTable.cases)
  func forwardAgreesWithReverse(_ row: GradientCase) throws {
    var generator = SeededGenerator(seed: 11)
    let arguments = row.arguments(&generator)
    let directions = arguments.map { x in
      x.dtype == .float64 ? generator.uniform(x.shape) : .zeros(x.shape, dtype: x.dtype)
    }
    let (value, tangent) = try jvp(row.function)(arguments, directions)
    let seed = generator.uniform(value.shape)
    let gradients = try vjp(row.function)(arguments).pullback(seed)
    // <seed, J v> = <Jᵀ seed, v>
    let forward = sum(seed * tangent).item()
    let reverse = zip(gradients, directions).reduce(0.0) { total, pair in
      total + (pair.1.dtype == .float64 ? sum(pair.0 * pair.1).item() : 0)
    }
    expectClose(forward, reverse, atol: 1e-11, rtol: 1e-11)
  }

  @Test func `compiled forward mode keeps nothing of the backward pass`() throws {
    let x = Tensor([1.0, 2])
    func operations(_ f: @escaping (Tensor, Tensor) throws -> Tensor) throws -> Int {
      let graph = try Trace.record([x.spec, x.spec]) { [try f($0[0], $0[1])] }
      return try Plan(graph, passes: [CommonSubexpressions()]).instructions.count
    }
    let forward = try operations { x, v in try jvp { (x: Tensor) in sin(x) }(x, v).tangent }
    let byHand = try operations { x, v in cos(x) * v }
    #expect(forward == byHand)
  }

  // MARK: Jacobian, Hessian

  @Test func `jacobian of a linear function is its matrix, both ways`() throws {
    var generator = SeededGenerator(seed: 4)
    let a = generator.uniform([2, 3])
    let f = { (x: Tensor) in matmul(a, x) }
    expectClose(try jacobian(f)(x), a, atol: 1e-14)
    expectClose(try jacobianForward(f)(x), a, atol: 1e-14)
  }

  @Test func `derivatives of mapped functions`() throws {
    let mapped = vmap { (x: Tensor) in sin(x) }
    let expected = Tensor.eye(3, dtype: .float64) * cos(x)
    expectClose(try jacobian(mapped)(x), expected, atol: 1e-14)
    expectClose(try jacobianForward(mapped)(x), expected, atol: 1e-14)
    let total = checkpoint { (x: Tensor) in sum(sin(x)) }
    expectClose(
      try hessian(total)(x), Tensor.eye(3, dtype: .float64) * -sin(x), atol: 1e-14)
  }

  @Test func `jacobian has the axes of the value, then those of the argument`() throws {
    var generator = SeededGenerator(seed: 4)
    let x = generator.uniform([2, 3])
    let f = { (x: Tensor) in sum(square(x), axis: 1) }
    // d/dx_jk Σ_l x_il² = 2 x_ik where i = j
    let expected = expandDims(Tensor.eye(2, dtype: .float64), axis: 2) * x * 2.0
    expectClose(try jacobian(f)(x), expected, atol: 1e-14)
    expectClose(try jacobianForward(f)(x), expected, atol: 1e-14)
  }

  @Test func `jacobian of structures is a structure of structures`() throws {
    let f = { (p: [String: Tensor]) in [(p["a"] ?? p["b"] ?? .ones([])) * (p["b"] ?? .ones([]))] }
    let result = try jacobian(f)(["a": Tensor([1.0, 2]), "b": Tensor(3.0)])
    expectClose(try #require(result.at([0, "a"]).tensor), [3, 0, 0, 3])
    expectClose(try #require(result.at([0, "b"]).tensor), [1, 2])
  }

  @Test func `the hessian of a quadratic form is its symmetric part twice`() throws {
    var generator = SeededGenerator(seed: 4)
    let a = generator.uniform([3, 3])
    let f = { (x: Tensor) in matmul(x, matmul(a, x)) }
    expectClose(try hessian(f)(x), a + a.transposed, atol: 1e-13)
    expectClose(try hessianVectorProduct(f)(x, v), matmul(a + a.transposed, v), atol: 1e-13)
    let compiled = jit { (x: Tensor) in try hessian(f)(x) }
    expectClose(try compiled(x), a + a.transposed, atol: 1e-13)
  }

  @Test func `the hessian of a network's loss agrees with differences of its gradient`() throws {
    var generator = SeededGenerator(seed: 8)
    let (inputs, labels) = (generator.uniform([4, 3]), generator.uniform([4, 1]))
    let parameters = ["w": generator.uniform([3, 2]), "v": generator.uniform([2, 1])]
    let loss = { (p: [String: Tensor]) in
      let hidden = tanh(matmul(inputs, p["w"] ?? inputs))
      return mean(square(matmul(hidden, p["v"] ?? inputs) - labels))
    }
    let found = try hessian(loss)(parameters)
    let step = 1e-5
    for column in parameters.keys.sorted() {
      let centre = try #require(parameters[column])
      for row in parameters.keys.sorted() {
        let actual = try #require(found.at([.key(row), .key(column)]).tensor)
        var columns: [Tensor] = []
        for element in 0..<centre.elementCount {
          var change = [Double](repeating: 0, count: centre.elementCount)
          change[element] = step
          let delta = Tensor(change, shape: centre.shape, dtype: .float64)
          func slope(_ moved: Tensor) throws -> Tensor {
            var p = parameters
            p[column] = moved
            return try #require(try grad(loss)(p)[row])
          }
          columns.append(try (slope(centre + delta) - slope(centre - delta)) / (2 * step))
        }
        let rowShape = try #require(parameters[row]).shape
        let expected = stack(columns, axis: -1).reshape(
          Shape(rowShape.dimensions + centre.shape.dimensions))
        expectClose(actual, expected, atol: 1e-8, rtol: 1e-6)
      }
    }
  }

  // MARK: Of each other

  @Test func `gradients of each example are the rows of vmap of grad`() throws {
    var generator = SeededGenerator(seed: 2)
    let (p, x, y) = (weights(), generator.uniform([4, 3]), generator.uniform([4, 2]))
    let perExample = vmap(grad(loss), inAxes: [nil, 0, 0])
    let rows = try perExample(p, x, y)
    #expect(rows.kernel.shape == [4, 3, 2])
    for index in 0..<4 {
      let one = try grad(loss)(p, x[index], y[index])
      expectClose(rows.kernel[index], one.kernel, atol: 1e-13)
      expectClose(rows.bias["b"]?[index] ?? x, one.bias["b"] ?? x, atol: 1e-13)
    }
    expectClose(
      mean(rows.kernel, axis: 0), try grad(loss)(p, x, y).kernel, atol: 1e-13,
      "the mean of the examples' gradients is the gradient of the mean")
    let compiled = try jit(perExample)(p, x, y)
    expectClose(compiled.kernel, rows.kernel, atol: 1e-13)
  }

  @Test func `grad goes through vmap, jit and both`() throws {
    let mapped = vmap { (x: Tensor) in sin(x) * x }
    let expected = cos(x) * x + sin(x)
    expectClose(try grad { (x: Tensor) in sum(try mapped(x)) }(x), expected, atol: 1e-14)
    let compiled = jit(mapped)
    expectClose(try grad { (x: Tensor) in sum(try compiled(x)) }(x), expected, atol: 1e-14)
    let outer = jit { (x: Tensor) in try grad { (x: Tensor) in sum(try compiled(x)) }(x) }
    expectClose(try outer(x), expected, atol: 1e-14)
  }

  @Test func `gradients flow through vmap to what the function closes over`() throws {
    let scaled = { (w: Tensor) in
      let w3 = w * 3.0
      return sum(try vmap { (x: Tensor) in sin(x * w3) }(x))
    }
    let expected = sum(cos(x * 6.0) * x * 3.0)
    expectClose(try grad(scaled)(Tensor(2.0, dtype: .float64)), expected, atol: 1e-13)
    expectClose(
      try jit(grad(scaled))(Tensor(2.0, dtype: .float64)), expected, atol: 1e-13)
  }

  @Test func `vmap of vmap is an outer product`() throws {
    let times = { (a: Tensor, b: Tensor) in a * b }
    let outer = vmap(vmap(times, inAxes: [nil, 0]), inAxes: [0, nil])
    let expected = expandDims(x, axis: 1) * expandDims(v, axis: 0)
    expectClose(try outer(x, v), expected, atol: 1e-14)
    expectClose(try jit(outer)(x, v), expected, atol: 1e-14)
  }

  @Test func `third derivatives`() throws {
    let third = grad(grad(grad { (x: Tensor) in sin(x) * x }))
    let at = Tensor(0.7, dtype: .float64)
    let expected = -3 * sin(0.7) - 0.7 * cos(0.7)
    expectClose(try third(at).item(), expected, atol: 1e-12)
    expectClose(try vmap(third)(stack([at, at])), [expected, expected], atol: 1e-12)
  }

  @Test func `forward of reverse and reverse of forward are the same`() throws {
    let f = { (x: Tensor) in sum(sin(x) * square(x)) }
    let forwardOfReverse = try jvp(grad(f))(x, v).tangent
    let along = jvp(f)
    let reverseOfForward = try grad { (x: Tensor) in try along(x, v).tangent }(x)
    let pulled = try vjp(grad(f))(x).pullback(v)
    expectClose(forwardOfReverse, reverseOfForward, atol: 1e-12)
    expectClose(forwardOfReverse, pulled, atol: 1e-12)
    let pulledBack = { (x: Tensor) -> Tensor in try vjp(f)(x).pullback(Tensor(1.0)) }
    expectClose(forwardOfReverse, try jvp(pulledBack)(x, v).tangent, atol: 1e-12)
  }

  @Test func `vmap of jvp gives directions in a row`() throws {
    let f = { (x: Tensor) in cumulativeSum(sin(x), axis: 0) }
    let directions = Tensor.eye(3, dtype: .float64)
    let columns = vmap { (v: Tensor) in try jvp(f)(x, v).tangent }
    let lower = Tensor([[1.0, 0, 0], [1, 1, 0], [1, 1, 1]], dtype: .float64)
    let expected = (lower * cos(x)).transposed
    expectClose(try columns(directions), expected, atol: 1e-14)
    expectClose(try jit(columns)(directions), expected, atol: 1e-14)
  }
}
