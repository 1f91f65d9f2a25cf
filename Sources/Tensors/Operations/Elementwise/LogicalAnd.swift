import CKernels

/// Elementwise logical and.
package struct LogicalAnd: BinaryElementwise {
  /// The kernel.
  package static var op: apus_binary_op { APUS_AND }

  /// The operation.
  package init() {}

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

/// bool: whether both elements are true, or not zero. Shapes broadcast as in NumPy.
public func logicalAnd(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(LogicalAnd(), truth(a), truth(b))
}
