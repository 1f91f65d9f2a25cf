import CKernels

/// Elementwise softplus, a smooth rectifier.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §3.10.
package struct SoftplusOperation: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SOFTPLUS }

  /// The operation.
  package init() {}

  /// `g · sigmoid(x)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * sigmoid(c.x)] }
}

/// `log(1 + exp(x))` of each element; does not overflow. Integers become float32.
public func softplus(_ x: Tensor) -> Tensor { apply1(SoftplusOperation(), floating(x)) }

extension Tensor {
  /// `log(1 + exp(x))` of each element; does not overflow.
  public func softplus() -> Tensor { Tensors.softplus(self) }
}
