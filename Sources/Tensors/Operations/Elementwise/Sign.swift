import CKernels

/// Elementwise sign.
package struct Sign: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SIGN }

  /// The operation.
  package init() {}

  /// None: the function is constant wherever it is smooth.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// -1, 0 or 1 by the sign of each element, in the type of `x`; NaN stays NaN.
public func sign(_ x: Tensor) -> Tensor { apply1(Sign(), numeric(x)) }

extension Tensor {
  /// -1, 0 or 1 by the sign of each element.
  public func sign() -> Tensor { Tensors.sign(self) }
}
