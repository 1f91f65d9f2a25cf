import Tensors

extension AnyModule {
  /// Reports an input that this layer cannot take: what was expected, and the shape that came.
  func wrongInput(_ x: Tensor, expected: ErrorText) -> Tensor {
    fail(EngineError(.shape, operation: typeName, .expectation(expected, found: "\(x.shape)")))
  }

  /// Reports several inputs that this layer cannot take together: what was expected, and the shapes that came.
  func wrongInputs(_ inputs: [Tensor], expected: ErrorText) -> Tensor {
    let shapes = inputs.isEmpty ? "none" : inputs.map(\.shape.errorText).joined(" and ")
    return fail(EngineError(.shape, operation: typeName, .expectation(expected, found: shapes)))
  }

  /// Reports an argument of an initializer that is out of its range.
  func wrongArgument(_ name: ErrorText, must rule: ErrorText, got found: ErrorText) {
    fail(EngineError.argument(name, of: typeName, must: rule, found: found))
  }

  /// Reports a rate of dropout, or another argument of an initializer, that is not in 0..<1.
  func check(rate: Double, _ name: ErrorText = "rate") {
    if !(0..<1).contains(rate) { wrongArgument(name, must: "be in 0..<1", got: "\(rate)") }
  }

  /// Reports arguments of an initializer that do not go together.
  func wrongArguments(_ message: ErrorText) {
    fail(EngineError(.invalidArgument, operation: typeName, .text(message)))
  }
}
