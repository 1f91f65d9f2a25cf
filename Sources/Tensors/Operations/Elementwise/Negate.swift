import CKernels

/// Elementwise negation.
package struct Negate: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_NEG }

  /// The operation.
  package init() {}

  /// `-g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g] }
}

extension Tensor {
  /// Each element with the other sign; uint8 wraps around, bool becomes int32.
  public static prefix func - (x: Tensor) -> Tensor { apply1(Negate(), numeric(x)) }
}
