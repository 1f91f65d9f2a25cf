import CKernels

/// The smallest element along axes.
package struct Min: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_RMIN }
  /// The axes that are folded.
  package let axes: [Int]
  /// Whether they stay, with length 1.
  package let keepDims: Bool
  /// False: nothing has no smallest element.
  package var hasIdentity: Bool { false }

  /// The smallest element along `axes` (from the front, ascending, each once).
  package init(axes: [Int], keepDims: Bool) {
    self.axes = axes
    self.keepDims = keepDims
  }

  /// `g` goes to the smallest element; equals share it evenly (the subgradient that JAX takes).
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let winners = (c.x .== unfolded(c.y, like: c.x)).cast(to: c.x.dtype)
    let share = c.g / sum(winners, axes: axes, keepDims: keepDims)
    return [winners * unfolded(share, like: c.x)]
  }

  /// The smallest element along the same axes.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Min(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

/// The smallest element along one axis, several, or all (the default); NaN if there is one.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``. An error when there are no elements.
public func min(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "min")
    return apply1(Min(axes: axes, keepDims: keepDims), numeric(x))
  }
}

extension Tensor {
  /// The smallest element along one axis, several, or all (the default).
  public func min(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.min(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
