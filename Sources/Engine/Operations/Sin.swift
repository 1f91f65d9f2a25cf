import CKernels

/// Elementwise sine.
public struct Sin: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_SIN }

  /// The operation.
  public init() {}

  /// `g · cos(x)`.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * cos(c.x)] }
}

/// The sine of each element, in radians. Integers become float32.
public func sin(_ x: Tensor) -> Tensor { apply1(Sin(), floating(x)) }

extension Tensor {
  /// The sine of each element, in radians.
  public func sin() -> Tensor { Engine.sin(self) }
}
