import CKernels

/// Elementwise absolute value.
package struct Abs: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_ABS }

  /// The operation.
  package init() {}

  /// `g · sign(x)`; 0 where `x` is 0.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * sign(c.x)] }
}

/// The absolute value of each element; any shape and numeric type.
public func abs(_ x: Tensor) -> Tensor { apply1(Abs(), numeric(x)) }

extension Tensor {
  /// The absolute value of each element.
  public func abs() -> Tensor { Tensors.abs(self) }
}
