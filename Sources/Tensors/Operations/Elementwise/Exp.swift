import CKernels

/// Elementwise exponential.
package struct Exp: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_EXP }

  /// The operation.
  package init() {}

  /// `g · y`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * c.y] }
}

/// e raised to each element. Integers become float32.
public func exp(_ x: Tensor) -> Tensor { apply1(Exp(), floating(x)) }

extension Tensor {
  /// e raised to each element.
  public func exp() -> Tensor { Tensors.exp(self) }
}
