import CKernels

/// Elementwise absolute value.
public struct Abs: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_ABS }

  /// The operation.
  public init() {}

  /// `g · sign(x)`; 0 where `x` is 0.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * sign(c.x)] }
}

/// The absolute value of each element; any shape and numeric type.
public func abs(_ x: Tensor) -> Tensor { apply1(Abs(), numeric(x)) }

extension Tensor {
  /// The absolute value of each element.
  public func abs() -> Tensor { Engine.abs(self) }
}
