import CKernels

/// The gradient of ``TanhOperation``: `g · (1 − y²)` with the output `y`.
package struct TanhGradient: ActivationGradient {
  /// The operation.
  package init() {}

  /// The gradient in C.
  package var op: apus_gradient_op { APUS_TANH_GRAD }

  /// With incoming gradient `h`: `-2 h · g · y` for `y`, `h · (1 − y²)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(c.g * g * y * -2, apply1(TanhGradient(), y, c.g))
  }
}
