import CKernels

/// The gradient of an activation in one sweep: from the activation's output (or input) and the
/// incoming gradient.
///
/// What the activation's own rule could compose from three operations, a kernel does while the
/// values are in registers. The rule of this operation is composed, so that second derivatives
/// work.
package protocol ActivationGradient: Elementwise {
  /// Which kernel of CKernels computes it, from the activation's output or input and the gradient.
  var op: apus_gradient_op { get }
}

extension ActivationGradient {
  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_gradient(op, inputs[0].code), output: inputs[0])
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    return [inputs[0]]
  }
}
