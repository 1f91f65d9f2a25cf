import CKernels

/// Elementwise cosine.
package struct Cos: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_COS }

  /// The operation.
  package init() {}

  /// `-g · sin(x)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [-c.g * sin(c.x)] }
}

/// The cosine of each element, in radians. Integers become float32.
public func cos(_ x: Tensor) -> Tensor { apply1(Cos(), floating(x)) }

extension Tensor {
  /// The cosine of each element, in radians.
  public func cos() -> Tensor { Tensors.cos(self) }
}
