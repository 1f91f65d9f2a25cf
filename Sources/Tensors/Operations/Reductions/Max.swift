import CKernels

/// The largest element along axes.
package struct Max: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_RMAX }
  /// The axes that are folded.
  package let axes: [Int]
  /// Whether they stay, with length 1.
  package let keepDims: Bool
  /// False: nothing has no largest element.
  package var hasIdentity: Bool { false }

  /// The largest element along `axes` (from the front, ascending, each once).
  package init(axes: [Int], keepDims: Bool) {
    self.axes = axes
    self.keepDims = keepDims
  }

  /// `g` goes to the largest element; equals share it evenly (the subgradient that JAX takes).
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let winners = (c.x .== unfolded(c.y, like: c.x)).cast(to: c.x.dtype)
    let share = c.g / sum(winners, axes: axes, keepDims: keepDims)
    return [winners * unfolded(share, like: c.x)]
  }

  /// The largest element along the same axes.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Max(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

/// The largest element along one axis, several, or all (the default); NaN if there is one.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``. An error when there are no elements.
public func max(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "max")
    return apply1(Max(axes: axes, keepDims: keepDims), numeric(x))
  }
}

extension Tensor {
  /// The largest element along one axis, several, or all (the default).
  public func max(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.max(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
