import CKernels

/// Elementwise negation of bool.
package struct LogicalNot: UnaryElementwise {
  /// The kernel.
  package static var op: apus_unary_op { APUS_LOGICAL_NOT }

  /// The operation.
  package init() {}

  /// None: the output is bool.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [nil] }
}

/// bool: whether each element is false, or zero.
public func logicalNot(_ x: Tensor) -> Tensor { apply1(LogicalNot(), truth(x)) }

extension Tensor {
  /// bool: whether each element is false, or zero.
  public func logicalNot() -> Tensor { Tensors.logicalNot(self) }
}
