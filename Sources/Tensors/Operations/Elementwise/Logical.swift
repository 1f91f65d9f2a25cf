import CKernels

struct LogicalAnd: BinaryElementwise, NonDifferentiable {
  static var op: apus_binary_op { APUS_AND }
}

struct LogicalOr: BinaryElementwise, NonDifferentiable {
  static var op: apus_binary_op { APUS_OR }
}

struct LogicalNot: UnaryElementwise, NonDifferentiable {
  static var op: apus_unary_op { APUS_LOGICAL_NOT }
}

/// bool: whether both elements are true, or not zero. Shapes broadcast (``broadcast(_:to:)``).
public func logicalAnd(_ a: Tensor, _ b: Tensor) -> Tensor {
  applyBroadcast(LogicalAnd(), boolean(a), boolean(b))
}

/// bool: whether at least one of two elements is true, or not zero. Shapes broadcast (``broadcast(_:to:)``).
public func logicalOr(_ a: Tensor, _ b: Tensor) -> Tensor {
  applyBroadcast(LogicalOr(), boolean(a), boolean(b))
}

/// bool: whether each element is false, or zero.
public func logicalNot(_ x: Tensor) -> Tensor { apply1(LogicalNot(), boolean(x)) }

extension Tensor {
  /// bool: whether each element is false, or zero.
  public func logicalNot() -> Tensor { Tensors.logicalNot(self) }
}
