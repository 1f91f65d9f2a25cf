import CKernels

/// Elementwise logistic sigmoid.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §3.10.
package struct SigmoidOperation: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SIGMOID }

  /// The operation.
  package init() {}

  /// `g · y · (1 − y)`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(SigmoidGradient(), c.y, c.g)] }
}

/// `1 / (1 + exp(-x))` of each element, in (0, 1); does not overflow. Integers become float32.
public func sigmoid(_ x: Tensor) -> Tensor { apply1(SigmoidOperation(), floating(x)) }

extension Tensor {
  /// `1 / (1 + exp(-x))` of each element, in (0, 1).
  public func sigmoid() -> Tensor { Tensors.sigmoid(self) }
}
