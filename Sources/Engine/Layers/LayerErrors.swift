extension AnyModule {
  /// Reports an input that this layer cannot take: what was expected, and the shape that came.
  func wrongInput(_ x: Tensor, expected: String) -> Tensor {
    fail(
      EngineError.shape(operation: typeName, message: "expected \(expected), got \(x.shape)"))
  }

  /// Reports an argument of an initializer that is out of its range.
  func wrongArgument(_ message: String) {
    fail(EngineError.invalidArgument(message: "\(typeName): \(message)"))
  }
}
