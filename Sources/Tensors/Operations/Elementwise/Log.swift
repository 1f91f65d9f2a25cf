import CKernels

/// Elementwise natural logarithm.
package struct Log: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_LOG }

  /// The operation.
  package init() {}

  /// `g / x`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g / c.x] }
}

/// The natural logarithm of each element: -infinity at 0, NaN below. Integers become float32.
public func log(_ x: Tensor) -> Tensor { apply1(Log(), floating(x)) }

extension Tensor {
  /// The natural logarithm of each element.
  public func log() -> Tensor { Tensors.log(self) }
}
