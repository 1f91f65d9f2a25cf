import CKernels

/// Elementwise logarithm of one plus the input, exact near zero.
package struct Log1p: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_LOG1P }

  /// The operation.
  package init() {}

  /// `g / (1 + x)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g / (1 + c.x)] }
}

/// `log(1 + x)` without loss of digits near 0. Integers become float32.
public func log1p(_ x: Tensor) -> Tensor { apply1(Log1p(), floating(x)) }

extension Tensor {
  /// `log(1 + x)` without loss of digits near 0.
  public func log1p() -> Tensor { Tensors.log1p(self) }
}
