import CKernels

/// Elementwise rectifier.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.3.1.
package struct ReLUOperation: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_RELU }

  /// The operation.
  package init() {}

  /// `g` where `x > 0`, else 0 (at 0 as well, as TensorFlow and JAX have it).
  package func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(ReLUGradient(), c.y, c.g)] }
}

/// `max(x, 0)` of each element; any numeric type.
public func relu(_ x: Tensor) -> Tensor { apply1(ReLUOperation(), numeric(x)) }

extension Tensor {
  /// `max(x, 0)` of each element.
  public func relu() -> Tensor { Tensors.relu(self) }
}
