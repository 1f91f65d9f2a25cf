import CKernels

/// Elementwise cosine.
public struct Cos: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_COS }

  /// The operation.
  public init() {}

  /// `-g · sin(x)`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g * sin(c.x)] }
}

/// The cosine of each element, in radians. Integers become float32.
public func cos(_ x: Tensor) -> Tensor { apply1(Cos(), floating(x)) }

extension Tensor {
  /// The cosine of each element, in radians.
  public func cos() -> Tensor { Engine.cos(self) }
}
