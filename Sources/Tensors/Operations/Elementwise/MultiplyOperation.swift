import CKernels

/// Elementwise product.
package struct MultiplyOperation: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_MUL }

  /// The operation.
  package init() {}

  /// `g · b` and `g · a`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    c.wanted(c.g * c.inputs[1], c.g * c.inputs[0])
  }
}

/// `a * b`, to be handed to functions such as `reduce`.
public func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { a * b }

extension Tensor {
  /// Product, element by element. Shapes broadcast and types promote as in NumPy; bool counts
  /// as int32.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    combine(numeric: MultiplyOperation(), a, b)
  }

  /// The same with one number for every element.
  public static func * (a: Tensor, b: Double) -> Tensor {
    combine(numeric: MultiplyOperation(), a, a.constant(b))
  }

  /// The same with one number for every element.
  public static func * (a: Double, b: Tensor) -> Tensor {
    combine(numeric: MultiplyOperation(), b.constant(a), b)
  }
}
