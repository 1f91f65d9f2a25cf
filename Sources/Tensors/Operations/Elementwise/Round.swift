import CKernels

/// Elementwise rounding to the nearest whole number.
package struct Round: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_ROUND }

  /// The operation.
  package init() {}

  /// None: the function is constant wherever it is smooth.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The whole number nearest to each element; halves go to the even one, as in NumPy. Integers
/// become float32.
public func round(_ x: Tensor) -> Tensor { apply1(Round(), floating(x)) }

extension Tensor {
  /// The whole number nearest to each element; halves go to the even one.
  public func round() -> Tensor { Tensors.round(self) }
}
