import CKernels

/// Elementwise negation of bool.
public struct LogicalNot: UnaryElementwise {
  /// The kernel.
  public static var op: apus_unary_op { APUS_LOGICAL_NOT }

  /// The operation.
  public init() {}

  /// None: the output is bool.
  public func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is false, or zero.
public func logicalNot(_ x: Tensor) -> Tensor { apply1(LogicalNot(), truth(x)) }

extension Tensor {
  /// bool: whether each element is false, or zero.
  public func logicalNot() -> Tensor { Engine.logicalNot(self) }
}
