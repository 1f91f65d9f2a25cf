import CKernels

/// Elementwise reciprocal of the square root.
package struct Rsqrt: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_RSQRT }

  /// The operation.
  package init() {}

  /// `-½ g · y³`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * -0.5 * c.y * square(c.y)] }
}

/// `1 / sqrt(x)` of each element. Integers become float32.
public func rsqrt(_ x: Tensor) -> Tensor { apply1(Rsqrt(), floating(x)) }

extension Tensor {
  /// `1 / sqrt(x)` of each element.
  public func rsqrt() -> Tensor { Tensors.rsqrt(self) }
}
