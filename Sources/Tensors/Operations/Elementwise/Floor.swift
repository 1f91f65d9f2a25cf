import CKernels

/// Elementwise rounding down.
package struct Floor: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_FLOOR }

  /// The operation.
  package init() {}

  /// None: the function is constant wherever it is smooth.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// The largest whole number not above each element. Integers become float32.
public func floor(_ x: Tensor) -> Tensor { apply1(Floor(), floating(x)) }

extension Tensor {
  /// The largest whole number not above each element.
  public func floor() -> Tensor { Tensors.floor(self) }
}
