import CKernels

/// Elementwise test for finite numbers.
package struct IsFinite: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_ISFINITE }

  /// The operation.
  package init() {}

  /// bool
  package func outputType(_ input: DType) -> DType { .bool }

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is neither infinite nor NaN. Integers always are.
public func isFinite(_ x: Tensor) -> Tensor { apply1(IsFinite(), floating(x)) }

extension Tensor {
  /// bool: whether each element is neither infinite nor NaN.
  public func isFinite() -> Tensor { Tensors.isFinite(self) }
}
