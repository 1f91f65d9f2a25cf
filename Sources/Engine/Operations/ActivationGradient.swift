import CKernels

/// The gradient of an activation in one sweep: from the activation's output (or input) and the
/// incoming gradient.
///
/// What the activation's own rule could compose from three operations, a kernel does while the
/// values are in registers. The rule of this operation is composed, so that second derivatives
/// work.
public protocol ActivationGradient: Primitive {
  /// Calls the kernel: scalar type, output or input of the activation, gradient, result, number of
  /// elements.
  func run(
    _ dtype: Int32, _ value: UnsafeRawPointer, _ gradient: UnsafeRawPointer,
    _ result: UnsafeMutableRawPointer, _ count: Int)
}

extension ActivationGradient {
  /// The result may lie on either input.
  public var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 1)]
  }

  /// The shape of the inputs.
  public func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    return [inputs[0]]
  }

  /// One call of the kernel.
  public func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (value, gradient, result) = (inputs[0].pointer, inputs[1].pointer, outputs[0].pointer)
    let (dtype, count) = (outputs[0].dtype.code, outputs[0].elementCount)
    return { run(dtype, value, gradient, result, count) }
  }
}
