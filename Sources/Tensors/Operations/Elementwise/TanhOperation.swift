import CKernels

/// Elementwise hyperbolic tangent.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.3.2.
package struct TanhOperation: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_TANH }

  /// The operation.
  package init() {}

  /// `g · (1 − y²)`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(TanhGradient(), c.y, c.g)] }
}

/// The hyperbolic tangent of each element, in (-1, 1). Integers become float32.
public func tanh(_ x: Tensor) -> Tensor { apply1(TanhOperation(), floating(x)) }

extension Tensor {
  /// The hyperbolic tangent of each element, in (-1, 1).
  public func tanh() -> Tensor { Tensors.tanh(self) }
}
