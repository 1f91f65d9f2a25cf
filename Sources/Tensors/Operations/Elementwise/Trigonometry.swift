import CKernels

struct Sin: UnaryElementwise {
  static var op: apus_unary_op { APUS_SIN }

  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * cos(c.x)] }
}

struct Cos: UnaryElementwise {
  static var op: apus_unary_op { APUS_COS }

  func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g * sin(c.x)] }
}

/// The sine of each element, in radians. Integers become float32.
public func sin(_ x: Tensor) -> Tensor { apply1(Sin(), floating(x)) }

/// The cosine of each element, in radians. Integers become float32.
public func cos(_ x: Tensor) -> Tensor { apply1(Cos(), floating(x)) }

extension Tensor {
  /// The sine of each element, in radians.
  public func sin() -> Tensor { Tensors.sin(self) }

  /// The cosine of each element, in radians.
  public func cos() -> Tensor { Tensors.cos(self) }
}
