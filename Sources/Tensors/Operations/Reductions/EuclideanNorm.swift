import CKernels

/// The square root of the sum of squares along axes, added in float64: no square overflows or vanishes.
package struct EuclideanNorm: ReductionPrimitive {
  /// The kernel.
  package static var op: apus_reduce_op { APUS_NORM }
  /// The axes that are folded.
  package let axes: [Int]
  /// Whether they stay, with length 1.
  package let keepDims: Bool

  /// The norms along `axes` (from the front, ascending, each once).
  package init(axes: [Int], keepDims: Bool) {
    self.axes = axes
    self.keepDims = keepDims
  }

  /// `g · x / ‖x‖`, and 0 for a vector of zeros.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let norms = unfolded(c.y, like: c.x)
    let isZero = norms .== 0
    return [unfolded(c.g, like: c.x) * select(isZero, 0, c.x / select(isZero, 1, norms))]
  }

  /// The norms along the same axes.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    EuclideanNorm(axes: axes.map { $0 + 1 }, keepDims: keepDims)
  }
}
