import CKernels

struct Sum: ReductionPrimitive {
  static var op: apus_reduce_op { APUS_SUM }
  let axes: [Int]
  let keepDims: Bool

  /// `g` repeated along the folded axes.
  func gradient(_ c: GradientContext) -> [Tensor?] { [unfolded(c.g, like: c.x)] }
}

/// The sum along one axis, several, or all (the default).
///
/// Float32 is summed in blocks whose totals are added in double precision: a long sum keeps its
/// digits, and the same shape always gives the same result. The sum of nothing is 0. bool and uint8
/// are summed as int64; int32 stays int32 and wraps beyond its range (`sum(x.cast(to: .int64))` does not).
///
/// - Parameters:
///   - x: of any shape and type.
///   - axis: the axis, negative from the end.
///   - axes: or several axes.
///   - keepDims: whether they stay, with length 1.
/// - Returns: the shape of `x` without these axes. An axis that does not exist is an
///   ``EngineError/shape(operation:message:)``; one that is repeated, or both `axis` and `axes`, an
///   ``EngineError/invalidArgument(message:)``.
public func sum(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(countable(x), axis, axes, keepDims, "sum", by: Sum.self)
}

extension Tensor {
  /// The sum along one axis, several, or all (the default); see ``sum(_:axis:axes:keepDims:)->Tensor``.
  public func sum(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.sum(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
