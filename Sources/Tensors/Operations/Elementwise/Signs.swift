import CKernels

struct Negate: UnaryElementwise {
  static var op: apus_unary_op { APUS_NEG }

  func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g] }
}

struct Abs: UnaryElementwise {
  static var op: apus_unary_op { APUS_ABS }

  /// `g · sign(x)`; 0 where `x` is 0.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * sign(c.x)] }
}

struct Sign: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_SIGN }
}

/// The absolute value of each element, in the type of `x`; bool becomes int32.
public func abs(_ x: Tensor) -> Tensor { apply1(Abs(), numeric(x)) }

/// -1, 0 or 1 by the sign of each element, in the type of `x`; NaN stays NaN, and bool becomes int32.
public func sign(_ x: Tensor) -> Tensor { apply1(Sign(), numeric(x)) }

extension Tensor {
  /// Each element with the other sign; uint8 wraps around, bool becomes int32.
  public static prefix func - (x: Tensor) -> Tensor { apply1(Negate(), numeric(x)) }

  /// The absolute value of each element.
  public func abs() -> Tensor { Tensors.abs(self) }

  /// -1, 0 or 1 by the sign of each element.
  public func sign() -> Tensor { Tensors.sign(self) }
}
