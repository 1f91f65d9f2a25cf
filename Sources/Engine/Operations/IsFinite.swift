import CKernels

/// Elementwise test for finite numbers.
public struct IsFinite: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_ISFINITE }

  /// The operation.
  public init() {}

  /// bool
  public func outputType(_ input: DType) -> DType { .bool }

  /// None: the types differ.
  public var inPlace: [InPlacePair] { [] }

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is neither infinite nor NaN. Integers always are.
public func isFinite(_ x: Tensor) -> Tensor { apply1(IsFinite(), floating(x)) }

extension Tensor {
  /// bool: whether each element is neither infinite nor NaN.
  public func isFinite() -> Tensor { Engine.isFinite(self) }
}
