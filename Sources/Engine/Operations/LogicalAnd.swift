import CKernels

/// Elementwise logical and.
public struct LogicalAnd: BinaryElementwise {
  /// The kernel.
  public static var op: apus_binary_op { APUS_AND }

  /// The operation.
  public init() {}

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
}

/// bool: whether both elements are true, or not zero. Shapes broadcast as in NumPy.
public func logicalAnd(_ a: Tensor, _ b: Tensor) -> Tensor {
  combine(LogicalAnd(), truth(a), truth(b))
}
