import CKernels

/// Elementwise sine.
package struct Sin: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SIN }

  /// The operation.
  package init() {}

  /// `g · cos(x)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * cos(c.x)] }
}

/// The sine of each element, in radians. Integers become float32.
public func sin(_ x: Tensor) -> Tensor { apply1(Sin(), floating(x)) }

extension Tensor {
  /// The sine of each element, in radians.
  public func sin() -> Tensor { Tensors.sin(self) }
}
