import CKernels

/// Elementwise square.
package struct Square: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SQUARE }

  /// The operation.
  package init() {}

  /// `2 g · x`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * 2 * c.x] }
}

/// Each element times itself; any numeric type.
public func square(_ x: Tensor) -> Tensor { apply1(Square(), numeric(x)) }

extension Tensor {
  /// Each element times itself.
  public func square() -> Tensor { Tensors.square(self) }
}
