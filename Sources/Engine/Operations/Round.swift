import CKernels

/// Elementwise rounding to the nearest whole number.
public struct Round: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_ROUND }

  /// The operation.
  public init() {}

  /// None: the function is constant wherever it is smooth.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The whole number nearest to each element; halves go to the even one, as in NumPy. Integers
/// become float32.
public func round(_ x: Tensor) -> Tensor { apply1(Round(), floating(x)) }

extension Tensor {
  /// The whole number nearest to each element; halves go to the even one.
  public func round() -> Tensor { Engine.round(self) }
}
