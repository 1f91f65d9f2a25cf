import CKernels

/// Elementwise exponential less one, exact near zero.
package struct Expm1: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_EXPM1 }

  /// The operation.
  package init() {}

  /// `g · (y + 1)`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * (c.y + 1)] }
}

/// `exp(x) - 1` without loss of digits near 0. Integers become float32.
public func expm1(_ x: Tensor) -> Tensor { apply1(Expm1(), floating(x)) }

extension Tensor {
  /// `exp(x) - 1` without loss of digits near 0.
  public func expm1() -> Tensor { Tensors.expm1(self) }
}
