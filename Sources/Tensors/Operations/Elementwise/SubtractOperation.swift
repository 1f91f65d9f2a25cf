import CKernels

/// Elementwise difference.
package struct SubtractOperation: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_SUB }

  /// The operation.
  package init() {}

  /// `g` and `-g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] { c.wanted(c.g, -c.g) }
}

/// `a - b`, to be handed to functions such as `reduce`.
public func subtract(_ a: Tensor, _ b: Tensor) -> Tensor { a - b }

extension Tensor {
  /// Difference, element by element. Shapes broadcast and types promote as in NumPy; bool
  /// counts as int32.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    combine(numeric: SubtractOperation(), a, b)
  }

  /// The same with one number for every element.
  public static func - (a: Tensor, b: Double) -> Tensor {
    combine(numeric: SubtractOperation(), a, a.constant(b))
  }

  /// The same with one number for every element.
  public static func - (a: Double, b: Tensor) -> Tensor {
    combine(numeric: SubtractOperation(), b.constant(a), b)
  }
}
