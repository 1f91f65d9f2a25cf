import CKernels

/// Elementwise remainder of division, with the sign of the divisor.
package struct Modulo: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_MOD }

  /// The operation.
  package init() {}

  /// `g` and `-g · floor(a / b)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(c.g, -c.g * floor(c.inputs[0] / c.inputs[1]))
  }
}

extension Tensor {
  /// The remainder `a - b · floor(a / b)`, which has the sign of `b`. Shapes broadcast and
  /// types promote as in NumPy.
  public static func % (a: Tensor, b: Tensor) -> Tensor {
    combine(numeric: Modulo(), a, b)
  }

  /// The same with one number for every element.
  public static func % (a: Tensor, b: Double) -> Tensor {
    combine(numeric: Modulo(), a, a.constant(b))
  }

  /// The same with one number for every element.
  public static func % (a: Double, b: Tensor) -> Tensor {
    combine(numeric: Modulo(), b.constant(a), b)
  }
}
