import CKernels

/// Elementwise negation.
public struct Negate: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_NEG }

  /// The operation.
  public init() {}

  /// `-g`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g] }
}

extension Tensor {
  /// Each element with the other sign; uint8 wraps around, bool becomes int32.
  public static prefix func - (x: Tensor) -> Tensor { apply1(Negate(), numeric(x)) }
}
