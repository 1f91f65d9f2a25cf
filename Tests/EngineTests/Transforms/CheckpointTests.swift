import Engine
import Foundation
import TestSupport
import Testing

/// Recomputation in the backward pass: the same numbers in less memory.
@Suite(.seeded) struct CheckpointTests {
  private final class Block: Module {
    let width: Int
    init(width: Int) { self.width = width }
    func call(_ x: Tensor) -> Tensor {
      let wide = gelu(Linear(width, useBias: false)(x))
      return x + tanh(Linear(x.shape[-1])(dropoutIfTraining(wide)))
    }
    private func dropoutIfTraining(_ x: Tensor) -> Tensor {
      isTraining ? dropout(x, rate: 0.4, key: nextKey()) : x
    }
  }

  /// A chain of blocks, checkpointed or not, with the same weights either way.
  private final class Chain: Module {
    let blocks: [Block]
    let isCheckpointed: Bool
    init(_ blocks: [Block], isCheckpointed: Bool) {
      self.blocks = blocks
      self.isCheckpointed = isCheckpointed
    }
    func call(_ x: Tensor) -> Tensor {
      blocks.reduce(x) { isCheckpointed ? $1.checkpointed($0) : $1($0) }
    }
  }

  private let x: Tensor = {
    var generator = SeededGenerator(seed: 3)
    return generator.uniform([8, 4]).cast(to: .float32)
  }()

  /// Loss, gradients and the state after it, eagerly or compiled.
  private func step(isCheckpointed: Bool, isCompiled: Bool) throws -> [Tensor] {
    let module = Chain(
      (0..<3).map { _ in Block(width: 6) }, isCheckpointed: isCheckpointed)
    module.seed = 3
    _ = module(x)
    let body = { (x: Tensor) -> [Tensor] in
      let parameters = module.variables(.parameter)
      let (value, gradients, _) = try vjpOfScalar(parameters.map(\.value)) { leaves in
        let overlay = VariableOverlay(Array(zip(parameters, leaves)))
        return (overlay { mean(square(module(x))) }, ())
      }
      return [value] + gradients
    }
    var results: [Tensor] = []
    let compiled = jit(body)
    // Twice: the second call draws other random numbers.
    for _ in 0..<2 { results += isCompiled ? try compiled(x) : try body(x) }
    return results + module.variables(.randomKey).map { $0.value.cast(to: .float64) }
  }

  @Test(
    "A checkpointed module has the same value and gradients, with the same elements dropped",
    arguments: [false, true])
  func sameNumbers(isCompiled: Bool) throws {
    let expected = try step(isCheckpointed: false, isCompiled: isCompiled)
    let actual = try step(isCheckpointed: true, isCompiled: isCompiled)
    #expect(actual.count == expected.count)
    for (a, b) in zip(actual, expected) { expectClose(a, b, atol: 1e-6) }
    #expect(expected[0].item() != expected[expected.count / 2].item(), "other numbers are drawn")
  }

  @Test func `a plan with checkpoints needs less memory, and computes more`() throws {
    let segment = { (x: Tensor) in (0..<4).reduce(x) { x, _ in sin(x * 1.1) } }
    let checkpointed = checkpoint(segment)
    func plan(_ f: @escaping (Tensor) throws -> Tensor) throws -> Plan {
      let spec = TensorSpec([256], .float32)
      return try Plan(
        try Trace.record([spec]) { inputs in
          [try grad { (x: Tensor) in sum(try (0..<8).reduce(x) { x, _ in try f(x) }) }(inputs[0])]
        })
    }
    let (plain, small) = (try plan { segment($0) }, try plan { try checkpointed($0) })
    func sines(_ plan: Plan) -> Int {
      plan.graph.description.components(separatedBy: "sin").count
    }
    // Eight inputs and the inside of one segment, instead of all of 32 steps.
    #expect(2 * small.arenaBytes < plain.arenaBytes)
    #expect(sines(small) > sines(plain))
    let input = Tensor.ones([256]) * 0.3
    expectClose(try small([input])[0], try plain([input])[0], atol: 1e-6)
  }

  @Test func `eagerly it gives the same`() throws {
    let x = Tensor([0.5, 1], dtype: .float64)
    let (value, pullback) = try vjp(checkpoint { (x: Tensor) in exp(sin(x)) })(x)
    expectClose(value, exp(sin(x)), atol: 1e-14)
    expectClose(try pullback(.ones([2])), exp(sin(x)) * cos(x), atol: 1e-14)
  }

  @Test func `what is computed inside is not kept for the backward pass`() throws {
    let segment = { (x: Tensor) in (0..<8).reduce(x) { x, _ in sin(x * 1.1) } }
    let checkpointed = checkpoint(segment)
    func operationsKept(_ f: @escaping (Tensor) throws -> Tensor) throws -> Int {
      var count = 0
      _ = try grad { (x: Tensor) in
        let y = try f(x)
        count = reachable(from: [y]).count
        return sum(y)
      }(Tensor([0.5, 1]))
      return count
    }
    #expect(try operationsKept { segment($0) } == 17)
    // The start of the gradient and the checkpoint.
    #expect(try operationsKept { try checkpointed($0) } == 2)
  }

  @Test func `gradients reach variables and tensors from outside, and structures`() throws {
    let f = { (w: Tensor) in
      let doubled = w * 2.0
      let inner = checkpoint { (p: [String: Tensor]) in
        ["y": sin(p["x"] ?? w) * doubled, "n": p["n"] ?? w]
      }
      let result = try inner(["x": w * w, "n": Tensor([3])])
      return sum((result["y"] ?? w) * (result["n"] ?? w))
    }
    let w = Tensor([0.3, 0.7], dtype: .float64)
    let expected = 6 * (sin(w * w) + w * w * 2 * cos(w * w))
    expectClose(try grad(f)(w), expected, atol: 1e-13)
    expectClose(try jit { (w: Tensor) in try grad(f)(w) }(w), expected, atol: 1e-13)
  }

  @Test func `checkpoint composes with vmap, jvp, jit and itself`() throws {
    let x = Tensor([0.3, -1.2, 2], dtype: .float64)
    let inner = checkpoint { (x: Tensor) in sin(x) * x }
    let outer = checkpoint { (x: Tensor) in exp(try inner(x)) }
    let expected = exp(sin(x) * x) * (cos(x) * x + sin(x))
    let slope = grad { (x: Tensor) in try outer(x) }
    expectClose(try vmap(slope)(x), expected, atol: 1e-12)
    expectClose(try jit(vmap(slope))(x), expected, atol: 1e-12)
    let mapped = vmap(outer)
    expectClose(try grad { (x: Tensor) in sum(try mapped(x)) }(x), expected, atol: 1e-12)
    let compiled = jit { (x: Tensor) in try grad { (x: Tensor) in sum(try mapped(x)) }(x) }
    expectClose(try compiled(x), expected, atol: 1e-12)
    expectClose(try jvp(outer)(x, .ones([3])).tangent, expected, atol: 1e-12)
  }

  @Test func `mapped over examples and compiled, a checkpoint still saves memory`() throws {
    let segment = { (x: Tensor) in (0..<4).reduce(x) { x, _ in sin(x * 1.1) } }
    let checkpointed = checkpoint(segment)
    func bytes(_ f: @escaping (Tensor) throws -> Tensor) throws -> Int {
      let mapped = vmap { (x: Tensor) in try (0..<8).reduce(x) { x, _ in try f(x) } }
      let graph = try Trace.record([TensorSpec([4, 64], .float32)]) { inputs in
        [try grad { (x: Tensor) in sum(try mapped(x)) }(inputs[0])]
      }
      return try Plan(graph).arenaBytes
    }
    #expect(2 * (try bytes { try checkpointed($0) }) < (try bytes { segment($0) }))
  }

  @Test func `variables are written once, and losses logged once`() throws {
    final class Inner: Module {
      func call(_ x: Tensor) -> Tensor {
        let calls = variable("calls", kind: .state)
        calls.value = calls.value + 1.0
        addLoss("inner", sum(x))
        return x * x * calls.value
      }
    }
    final class Outer: Module {
      let inner = Inner()
      func call(_ x: Tensor) -> Tensor { inner.checkpointed(x) }
    }
    let module = Outer()
    let (found, context) = try module.run(isTraining: true) {
      try grad { (x: Tensor) in sum(module(x)) }(Tensor([1.0, 2]))
    }
    expectClose(found, [2, 4])
    #expect(context.notes.losses.map { $0.value.item() } == [3])
    #expect(module.variables(.state).map { $0.value.item() } == [1])
  }

  @Test func `errors inside are thrown`() throws {
    let wrong = checkpoint { (x: Tensor) in matmul(x, x) }
    expectError("cannot multiply") {
      _ = try grad { (x: Tensor) in sum(try wrong(x)) }(.ones([2, 3]))
    }
  }
}
