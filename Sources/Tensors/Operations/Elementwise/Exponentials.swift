import CKernels

package struct Exp: UnaryElementwise {
  package static var op: apus_unary_op { APUS_EXP }

  package init() {}

  /// `g · y`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * c.y] }
}

struct Expm1: UnaryElementwise {
  static var op: apus_unary_op { APUS_EXPM1 }

  /// `g · (y + 1)`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * (c.y + 1)] }
}

struct Log: UnaryElementwise {
  static var op: apus_unary_op { APUS_LOG }

  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g / c.x] }
}

struct Log1p: UnaryElementwise {
  static var op: apus_unary_op { APUS_LOG1P }

  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g / (1 + c.x)] }
}

/// e raised to each element. Integers become float32.
public func exp(_ x: Tensor) -> Tensor { apply1(Exp(), floating(x)) }

/// `exp(x) - 1` of each element without loss of digits near 0. Integers become float32.
public func expm1(_ x: Tensor) -> Tensor { apply1(Expm1(), floating(x)) }

/// The natural logarithm of each element: -infinity at 0, NaN below. Integers become float32.
public func log(_ x: Tensor) -> Tensor { apply1(Log(), floating(x)) }

/// `log(1 + x)` of each element without loss of digits near 0: -infinity at -1, NaN below. Integers become float32.
public func log1p(_ x: Tensor) -> Tensor { apply1(Log1p(), floating(x)) }

extension Tensor {
  /// e raised to each element.
  public func exp() -> Tensor { Tensors.exp(self) }

  /// `exp(x) - 1` of each element without loss of digits near 0.
  public func expm1() -> Tensor { Tensors.expm1(self) }

  /// The natural logarithm of each element.
  public func log() -> Tensor { Tensors.log(self) }

  /// `log(1 + x)` of each element without loss of digits near 0.
  public func log1p() -> Tensor { Tensors.log1p(self) }
}
