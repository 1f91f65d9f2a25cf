import CKernels

/// Elementwise square root.
package struct Sqrt: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_SQRT }

  /// The operation.
  package init() {}

  /// `g / (2 y)`, with output `y`; infinite at 0.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * 0.5 / c.y] }
}

/// The square root of each element: NaN below 0. Integers become float32.
public func sqrt(_ x: Tensor) -> Tensor { apply1(Sqrt(), floating(x)) }

extension Tensor {
  /// The square root of each element.
  public func sqrt() -> Tensor { Tensors.sqrt(self) }
}
