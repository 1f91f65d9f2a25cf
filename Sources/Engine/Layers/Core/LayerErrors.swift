import Tensors

extension AnyModule {
  /// Reports an input that this layer cannot take: what was expected, and the shape that came.
  func wrongInput(_ x: Tensor, expected: String) -> Tensor {
    fail(
      EngineError.shape(operation: typeName, message: "expected \(expected), got \(x.shape)"))
  }

  /// Reports several inputs that this layer cannot take together: what was expected, and the shapes that came.
  func wrongInputs(_ inputs: [Tensor], expected: String) -> Tensor {
    let shapes = inputs.isEmpty ? "none" : inputs.map { "\($0.shape)" }.joined(separator: " and ")
    return fail(
      EngineError.shape(operation: typeName, message: "expected \(expected), got \(shapes)"))
  }

  /// Reports an argument of an initializer that is out of its range.
  func wrongArgument(_ message: String) {
    fail(EngineError.invalidArgument(message: "\(typeName): \(message)"))
  }
}
