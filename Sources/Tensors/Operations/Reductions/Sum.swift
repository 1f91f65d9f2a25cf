import CKernels

/// The sum along axes.
package struct Sum: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_SUM }
  /// The axes that are summed over.
  package let axes: [Int]
  /// Whether they stay, with length 1.
  package let keepDims: Bool

  /// A sum along `axes` (from the front, ascending, each once).
  package init(axes: [Int], keepDims: Bool) {
    self.axes = axes
    self.keepDims = keepDims
  }

  /// `g` repeated along the folded axes.
  package func gradient(_ c: GradientContext) -> [Tensor?] { [unfolded(c.g, like: c.x)] }

  /// The sum along the same axes.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Sum(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}

/// The sum along one axis, several, or all (the default).
///
/// Float32 is summed in blocks whose totals are added in double precision: a long sum keeps its
/// digits, and the same shape always gives the same result. The sum of nothing is 0. bool and uint8
/// are summed as int64; int32 stays int32 and wraps beyond its range (`sum(x.cast(to: .int64))` does not).
///
/// - Parameters:
///   - axis: the axis, negative from the end.
///   - axes: or several axes.
///   - keepDims: whether they stay, with length 1.
public func sum(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "sum")
    return apply1(Sum(axes: axes, keepDims: keepDims), countable(x))
  }
}

/// bool and uint8 as int64, as NumPy sums them.
func countable(_ x: Tensor) -> Tensor {
  x.dtype == .bool || x.dtype == .uint8 ? x.cast(to: .int64) : x
}

extension Tensor {
  /// The sum along one axis, several, or all (the default).
  public func sum(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.sum(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
