import CKernels

/// Elementwise reciprocal.
package struct Reciprocal: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_RECIPROCAL }

  /// The operation.
  package init() {}

  /// `-g · y²`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g * square(c.y)] }
}

/// `1 / x` of each element. Integers become float32.
public func reciprocal(_ x: Tensor) -> Tensor { apply1(Reciprocal(), floating(x)) }

extension Tensor {
  /// `1 / x` of each element.
  public func reciprocal() -> Tensor { Tensors.reciprocal(self) }
}
