import CKernels

/// Elementwise comparison `.!=`.
package struct NotEqual: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_NE }

  /// The operation.
  package init() {}

  /// bool
  package func outputType(_ input: DType) -> DType { .bool }

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// bool: whether each element of `a` is not equal to that of `b`. Shapes broadcast and
  /// types promote as in NumPy.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor {
    combine(NotEqual(), a, b)
  }

  /// The same with one number for every element.
  public static func .!= (a: Tensor, b: Double) -> Tensor {
    combine(NotEqual(), a, a.comparable(b))
  }

  /// The same with one number for every element.
  public static func .!= (a: Double, b: Tensor) -> Tensor {
    combine(NotEqual(), b.comparable(a), b)
  }
}
