import CKernels

/// Elementwise logical or.
package struct LogicalOr: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_OR }

  /// The operation.
  package init() {}

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

/// bool: whether at least one of two elements is true, or not zero. Shapes broadcast as in
/// NumPy.
public func logicalOr(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(LogicalOr(), truth(a), truth(b))
}
