import CKernels

/// Elementwise test for not-a-number.
package struct IsNaN: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_ISNAN }

  /// The operation.
  package init() {}

  /// bool
  package func outputType(_ input: DType) -> DType { .bool }

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is NaN. Integers never are.
public func isNaN(_ x: Tensor) -> Tensor { apply1(IsNaN(), floating(x)) }

extension Tensor {
  /// bool: whether each element is NaN.
  public func isNaN() -> Tensor { Tensors.isNaN(self) }
}
