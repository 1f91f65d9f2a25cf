import CKernels

/// Elementwise square.
public struct Square: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_SQUARE }

  /// The operation.
  public init() {}

  /// `2 g · x`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * 2 * c.x] }
}

/// Each element times itself; any numeric type.
public func square(_ x: Tensor) -> Tensor { apply1(Square(), numeric(x)) }

extension Tensor {
  /// Each element times itself.
  public func square() -> Tensor { Engine.square(self) }
}
