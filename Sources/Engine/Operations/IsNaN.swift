import CKernels

/// Elementwise test for not-a-number.
public struct IsNaN: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_ISNAN }

  /// The operation.
  public init() {}

  /// bool
  public func outputType(_ input: DType) -> DType { .bool }

  /// None: the types differ.
  public var inPlace: [InPlacePair] { [] }

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is NaN. Integers never are.
public func isNaN(_ x: Tensor) -> Tensor { apply1(IsNaN(), floating(x)) }

extension Tensor {
  /// bool: whether each element is NaN.
  public func isNaN() -> Tensor { Engine.isNaN(self) }
}
