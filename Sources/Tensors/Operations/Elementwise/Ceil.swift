import CKernels

/// Elementwise rounding up.
package struct Ceil: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_CEIL }

  /// The operation.
  package init() {}

  /// None: the function is constant wherever it is smooth.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The smallest whole number not below each element. Integers become float32.
public func ceil(_ x: Tensor) -> Tensor { apply1(Ceil(), floating(x)) }

extension Tensor {
  /// The smallest whole number not below each element.
  public func ceil() -> Tensor { Tensors.ceil(self) }
}
