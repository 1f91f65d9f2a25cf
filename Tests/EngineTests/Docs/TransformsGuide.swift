import Engine
import TestSupport
import Testing

/// The snippets of `docs/modules.md` about transforms.
@Suite("docs/modules.md: transforms", .seeded)
struct TransformsGuide {
  private let x = randomUniform([15, 3], key: RandomKey(seed: 1))
  private let y = randomUniform([15, 1], key: RandomKey(seed: 2))

  @Test("Gradients by arguments")
  func gradients() throws {
    // snippet: grad
    let f = { (a: Tensor, b: Tensor) in sum(a * square(b)) }
    let (a, b) = (Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
    let (value, gradient) = try valueAndGrad(f)(a, b)  // 41, by a: [9, 16]
    let (byA, byB) = try grad(f, argumentNumbers: [0, -1])(a, b)  // [9, 16], [6, 16]

    let g = { (a: Tensor, b: Tensor) in (sum(a * b), ["product": a * b]) }
    let found = try valueAndGrad(withAuxiliary: g)(a, b)
    // found.value, found.auxiliary["product"], found.gradient
    // end
    #expect(value.item() == 41)
    expectClose(gradient, [9, 16])
    expectClose(byA, [9, 16])
    expectClose(byB, [6, 16])
    #expect(found.value.item() == 11)
    expectClose(try #require(found.auxiliary["product"]), [3, 8])
    expectClose(found.gradient, [3, 4])
  }

  @Test("Modules as functions, and gradients of single samples")
  func modules() throws {
    // snippet: grad-module
    let mlp = try MLP([8, 1]).initialize(x)
    let loss = { (p: ModuleTree, x: Tensor, y: Tensor) in
      mlp.with(p) { mean(square(mlp(x) - y)) }
    }
    let gradient = try grad(loss)(mlp.parameters(), x, y)

    let ofEachSample = jit(vmap(grad(loss), inAxes: [nil, 0, 0]))
    let gradients = try ofEachSample(mlp.parameters(), x, y)  // 15 of each
    // end
    let bias: Tensor = gradients.linear.bias
    #expect(bias.shape == [15, 8])
    for (path, leaf) in gradients.leaves {
      expectClose(mean(leaf.value, axis: 0), try #require(gradient[path]), atol: 1e-6)
    }
    let own = try grad(of: mlp) { mean(square(mlp(x) - y)) }
    for path in own.paths { expectClose(try #require(gradient[path]), try #require(own[path])) }
  }

  @Test("vjp, jvp, vmap, jacobian, hessian")
  func transforms() throws {
    // snippet: transforms
    let wave = { (x: Tensor) in sin(x) * x }
    let x = Tensor([0.5, 1.0, 2.0])
    let (value, pullback) = try vjp(wave)(x)  // reverse mode
    let slope = try pullback(Tensor.ones([3]))
    let tangent = try jvp(wave)(x, Tensor([1.0, 0, 0])).tangent  // forward mode
    let matrix = try jacobian(wave)(x)  // [3, 3]; or jacobianForward
    let curvature = try hessian { (x: Tensor) in sum(wave(x)) }(x)  // [3, 3]
    let times = { (a: Tensor, b: Tensor) in a * b }
    let table = try vmap(vmap(times, inAxes: [nil, 0]), inAxes: [0, nil])(x, x)  // [3, 3]
    let rows = try vmap(wave, inAxes: 1, outAxes: 0)(matrix)  // maps columns, gives rows
    // end
    expectClose(value, sin(x) * x)
    let expected = cos(x) * x + sin(x)
    expectClose(slope, expected)
    expectClose(tangent, expected * Tensor([1.0, 0, 0]))
    expectClose(matrix, Tensor.eye(3) * expected)
    expectClose(curvature, Tensor.eye(3) * (2 * cos(x) - sin(x) * x), atol: 1e-5)
    expectClose(table, expandDims(x, axis: 1) * x)
    expectClose(rows, wave(transpose(matrix)))
  }

  @Test("Loops")
  func loops() throws {
    // snippet: scan
    let prices = Tensor([1.0, 3, 2])
    let (last, averages) = try scan(over: prices, initial: Tensor(0.0)) { (mean: Tensor, price) in
      let next = 0.9 * mean + 0.1 * price
      return (state: next, result: next)
    }
    // end
    expectClose(averages, [0.1, 0.39, 0.551])
    expectClose(last, averages[2])
  }

  // snippet: checkpoint
  final class Blocks: Module {
    func call(_ x: Tensor) -> Tensor {
      let blocks = (0..<4).map { _ in MLP([16, 3]) }
      return blocks.reduce(x) { x, block in x + block.checkpointed(x) }
    }
  }
  // end

  @Test("Checkpoints")
  func checkpoints() throws {
    final class Plain: Module {
      func call(_ x: Tensor) -> Tensor {
        let blocks = (0..<4).map { _ in MLP([16, 3]) }
        return blocks.reduce(x) { x, block in x + block(x) }
      }
    }
    let (blocks, plain) = (Blocks(), Plain())
    plain.seed = blocks.seed
    let gradients = try grad(of: blocks) { sum(square(blocks(x))) }
    let expected = try grad(of: plain) { sum(square(plain(x))) }
    #expect(gradients.paths == expected.paths && gradients.paths.count == 16)
    for path in expected.paths {
      expectClose(try #require(gradients[path]), try #require(expected[path]))
    }
  }
}
