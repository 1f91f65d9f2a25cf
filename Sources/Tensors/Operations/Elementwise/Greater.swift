import CKernels

/// Elementwise comparison `.>`.
package struct Greater: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_GT }

  /// The operation.
  package init() {}

  /// bool
  package func outputType(_ input: DType) -> DType { .bool }

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// bool: whether each element of `a` is greater than that of `b`. Shapes broadcast and
  /// types promote as in NumPy.
  public static func .> (a: Tensor, b: Tensor) -> Tensor {
    combine(Greater(), a, b)
  }

  /// The same with one number for every element.
  public static func .> (a: Tensor, b: Double) -> Tensor {
    combine(Greater(), a, a.comparable(b))
  }

  /// The same with one number for every element.
  public static func .> (a: Double, b: Tensor) -> Tensor {
    combine(Greater(), b.comparable(a), b)
  }
}
