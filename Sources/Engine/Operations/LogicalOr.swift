import CKernels

/// Elementwise logical or.
public struct LogicalOr: BinaryElementwise {
  /// The kernel.
  public static var op: apus_binary_op { APUS_OR }

  /// The operation.
  public init() {}

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

/// bool: whether at least one of two elements is true, or not zero. Shapes broadcast as in
/// NumPy.
public func logicalOr(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(LogicalOr(), truth(a), truth(b))
}
