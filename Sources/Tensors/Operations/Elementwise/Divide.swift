import CKernels

/// Elementwise quotient.
package struct Divide: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_DIV }

  /// The operation.
  package init() {}

  /// `g / b` and `-g · y / b`, with output `y`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let quotient = c.g / c.inputs[1]
    return c.wanted(quotient, -quotient * c.y)
  }
}

/// `a / b`, to be handed to functions such as `reduce`.
public func divide(_ a: Tensor, _ b: Tensor) -> Tensor { a / b }

extension Tensor {
  /// Quotient, element by element. Shapes broadcast and types promote as in NumPy; integers
  /// become float32.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    combine(fractional: Divide(), a, b)
  }

  /// The same with one number for every element.
  public static func / (a: Tensor, b: Double) -> Tensor {
    combine(fractional: Divide(), a, a.constant(b))
  }

  /// The same with one number for every element.
  public static func / (a: Double, b: Tensor) -> Tensor {
    combine(fractional: Divide(), b.constant(a), b)
  }
}
