import CKernels

/// The largest or smallest element along axes.
protocol ReductionExtremum: ReductionPrimitive {}

extension ReductionExtremum {
  /// False: nothing has no largest element.
  var hasIdentity: Bool { false }

  /// `g` goes to the element that was found; equals share it evenly (the subgradient that JAX takes).
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let winners = (c.x .== unfolded(c.y, like: c.x)).cast(to: c.x.dtype)
    let share = c.g / sum(winners, axes: axes, keepDims: keepDims)
    return [winners * unfolded(share, like: c.x)]
  }
}

struct Max: ReductionExtremum {
  static var op: apus_reduce_op { APUS_RMAX }
  let axes: [Int]
  let keepDims: Bool
}

struct Min: ReductionExtremum {
  static var op: apus_reduce_op { APUS_RMIN }
  let axes: [Int]
  let keepDims: Bool
}

/// The largest element along one axis, several, or all (the default); NaN if there is one.
///
/// Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``; where there are no elements also an
/// ``EngineError/shape(operation:message:)``. bool becomes int32. Equal ones share the gradient.
public func max(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(numeric(x), axis, axes, keepDims, "max", by: Max.self)
}

/// The smallest element along one axis, several, or all (the default); all else as for ``max(_:axis:axes:keepDims:)->Tensor``.
public func min(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(numeric(x), axis, axes, keepDims, "min", by: Min.self)
}

extension Tensor {
  /// The largest element along one axis, several, or all (the default); see ``max(_:axis:axes:keepDims:)->Tensor``.
  public func max(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.max(self, axis: axis, axes: axes, keepDims: keepDims)
  }

  /// The smallest element along one axis, several, or all (the default); see ``min(_:axis:axes:keepDims:)->Tensor``.
  public func min(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.min(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
