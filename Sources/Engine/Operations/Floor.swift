import CKernels

/// Elementwise rounding down.
public struct Floor: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_FLOOR }

  /// The operation.
  public init() {}

  /// None: the function is constant wherever it is smooth.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The largest whole number not above each element. Integers become float32.
public func floor(_ x: Tensor) -> Tensor { apply1(Floor(), floating(x)) }

extension Tensor {
  /// The largest whole number not above each element.
  public func floor() -> Tensor { Engine.floor(self) }
}
