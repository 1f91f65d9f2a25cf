import CKernels

/// The gradient of ``SigmoidOperation``: `g · y · (1 − y)` with the output `y`.
package struct SigmoidGradient: ActivationGradient {
  /// The operation.
  package init() {}

  /// The gradient in C.
  package var op: apus_gradient_op { APUS_SIGMOID_GRAD }

  /// With incoming gradient `h`: `h · g · (1 − 2y)` for `y`, `h · y · (1 − y)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(c.g * g * (1 - y * 2), apply1(SigmoidGradient(), y, c.g))
  }
}
