import CKernels

/// Elementwise sum.
package struct AddOperation: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_ADD }

  /// The operation.
  package init() {}

  /// `g` for both.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [c.g, c.g] }
}

/// `a + b`, to be handed to functions such as `reduce`.
public func add(_ a: Tensor, _ b: Tensor) -> Tensor { a + b }

extension Tensor {
  /// Sum, element by element. Shapes broadcast and types promote as in NumPy; bool counts as
  /// int32.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    combine(numeric: AddOperation(), a, b)
  }

  /// The same with one number for every element.
  public static func + (a: Tensor, b: Double) -> Tensor {
    combine(numeric: AddOperation(), a, a.constant(b))
  }

  /// The same with one number for every element.
  public static func + (a: Double, b: Tensor) -> Tensor {
    combine(numeric: AddOperation(), b.constant(a), b)
  }
}
