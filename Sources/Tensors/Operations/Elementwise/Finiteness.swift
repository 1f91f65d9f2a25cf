import CKernels

struct IsNaN: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_ISNAN }

  /// bool
  func outputType(_ input: DType) -> DType { .bool }
}

struct IsFinite: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_ISFINITE }

  /// bool
  func outputType(_ input: DType) -> DType { .bool }
}

/// bool: whether each element is NaN. Integers never are.
public func isNaN(_ x: Tensor) -> Tensor { apply1(IsNaN(), floating(x)) }

/// bool: whether each element is neither infinite nor NaN. Integers always are.
public func isFinite(_ x: Tensor) -> Tensor { apply1(IsFinite(), floating(x)) }

extension Tensor {
  /// bool: whether each element is NaN.
  public func isNaN() -> Tensor { Tensors.isNaN(self) }

  /// bool: whether each element is neither infinite nor NaN.
  public func isFinite() -> Tensor { Tensors.isFinite(self) }
}
