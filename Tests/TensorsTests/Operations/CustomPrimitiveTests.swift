import Tensors
import TensorsTestSupport
import Testing

/// Primitives that a user writes.
@Suite("A primitive with more outputs than inputs") struct CustomPrimitiveTests {
  /// One input, repeated in `count` outputs.
  private struct Copies: Primitive {
    struct Failure: Error, Equatable {}

    let count: Int
    var failsInShape = false
    var failsInKernel = false

    func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
      if failsInShape { throw .shape(operation: name, message: "is meant to fail") }
      return [TensorSpec](repeating: inputs[0], count: count)
    }

    func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
      let fails = failsInKernel
      return {
        if fails { throw Failure() }
        for output in outputs {
          output.pointer.copyMemory(from: inputs[0].pointer, byteCount: 4 * output.elementCount)
        }
      }
    }

    func gradient(_ context: GradientContext) -> [Tensor?] {
      [
        context.outputs.indices.dropFirst().reduce(context.incomingOrZeros(0)) {
          $0 + context.incomingOrZeros($1)
        }
      ]
    }
  }

  private let x = Tensor([1, 2], dtype: .float32)

  @Test("gives them all", arguments: [1, 5, 300]) func works(count: Int) throws {
    let copies = try withErrors { apply(Copies(count: count), [x]) }
    #expect(copies.count == count)
    expectClose(copies[count - 1], [1, 2])
    let slope = grad { (x: Tensor) in
      apply(Copies(count: count), [x]).reduce(Tensor(0, dtype: .float32)) { $0 + sum($1) }
    }
    expectClose(try slope(x), [Double(count), Double(count)])
  }

  @Test("is an error when its shape rule fails, whatever output is used", arguments: [1, 5, 200])
  func failsInShape(count: Int) {
    let expected = EngineError.shape(operation: "copies", message: "is meant to fail")
    let failing = Copies(count: count, failsInShape: true)
    #expect(throws: expected) { try withErrors { apply(failing, [x])[count - 1] + 1 } }
    #expect(throws: expected) { try jit { apply(failing, [$0])[count - 1] + 1 }(x) }
    // An operation on what failed before gives as many.
    #expect(throws: expected) {
      try withErrors { apply(Copies(count: count), [apply(failing, [x])[0]])[count - 1] }
    }
  }

  @Test("is an error when its kernel fails, whatever output is used", arguments: [1, 5, 300])
  func failsInKernel(count: Int) {
    let failing = Copies(count: count, failsInKernel: true)
    #expect(throws: Copies.Failure()) { try withErrors { apply(failing, [x])[count - 1] + 1 } }
    #expect(throws: Copies.Failure()) { try jit { apply(failing, [$0])[count - 1] + 1 }(x) }
  }
}
