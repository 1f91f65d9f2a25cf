import CKernels

struct AllTrue: ReductionPrimitive, NonDifferentiable {
  static var op: apus_reduce_op { APUS_ALL }
  let axes: [Int]
  let keepDims: Bool
}

struct AnyTrue: ReductionPrimitive, NonDifferentiable {
  static var op: apus_reduce_op { APUS_ANY }
  let axes: [Int]
  let keepDims: Bool
}

/// bool: whether all elements are true, or not zero, along one axis, several, or all (the default);
/// true for nothing.
///
/// Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func all(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(boolean(x), axis, axes, keepDims, "all", by: AllTrue.self)
}

/// bool: whether any element is true, or not zero, along one axis, several, or all (the default);
/// false for nothing.
///
/// Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func any(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(boolean(x), axis, axes, keepDims, "any", by: AnyTrue.self)
}

extension Tensor {
  /// bool: whether all elements are true along one axis, several, or all (the default).
  public func all(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.all(self, axis: axis, axes: axes, keepDims: keepDims)
  }

  /// bool: whether any element is true along one axis, several, or all (the default).
  public func any(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.any(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
