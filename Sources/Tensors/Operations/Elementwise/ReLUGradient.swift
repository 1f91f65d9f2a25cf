import CKernels

/// The gradient of ``ReLUOperation``: `g` where the output `y` is above 0, else 0.
package struct ReLUGradient: ActivationGradient {
  /// The operation.
  package init() {}

  /// The gradient in C.
  package var op: apus_gradient_op { APUS_RELU_GRAD }

  /// None for `y`, whose sign alone matters; the same mask for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [nil, apply1(ReLUGradient(), c.inputs[0], c.g)]
  }
}
