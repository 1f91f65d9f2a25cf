import CKernels

/// The gradient of an activation in one sweep: from the activation's output (or input) and the
/// incoming gradient.
///
/// What the activation's own rule could compose from three operations, a kernel does while the
/// values are in registers. The rule of this operation is composed, so that second derivatives
/// work.
package protocol ActivationGradient: Primitive {
  /// Calls the kernel: scalar type, output or input of the activation, gradient, result, number of
  /// elements.
  func run(
    _ dtype: Int32, _ value: UnsafeRawPointer, _ gradient: UnsafeRawPointer,
    _ result: UnsafeMutableRawPointer, _ count: Int)
}

extension ActivationGradient {
  /// The result may lie on either input.
  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 1)]
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    return [inputs[0]]
  }

  /// Elements, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (value, g, result) = (inputs[0].pointer, inputs[1].pointer, outputs[0].pointer)
    let (dtype, size) = (outputs[0].dtype.code, outputs[0].dtype.size)
    return workspace.parallel(
      outputs[0].elementCount, grain: Workspace.elementGrain, multiple: 64
    ) { items, _ in
      let start = items.lowerBound * size
      run(dtype, value + start, g + start, result + start, items.count)
    }
  }
}
