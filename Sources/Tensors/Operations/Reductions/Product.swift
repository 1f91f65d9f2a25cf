import CKernels

struct Product: ReductionPrimitive {
  static var op: apus_reduce_op { APUS_PROD }
  let axes: [Int]
  let keepDims: Bool

  /// `g` times the product of all other elements, by multiplication only, so that zeros are no
  /// special case.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let kept = (0..<c.x.rank).filter { !axes.contains($0) }
    let order = kept + axes
    let lengths = c.x.shape.dimensions
    // All folded axes last, as one.
    let moved = c.x.transpose(order)
    let rows = kept.reduce(1) { $0 * lengths[$1] }
    let columns = axes.reduce(1) { $0 * lengths[$1] }
    let others = productOfOthers(moved.reshape([rows, columns]))
    let inverse = order.indices.sorted { order[$0] < order[$1] }
    return [unfolded(c.g, like: c.x) * others.reshape(moved.shape).transpose(inverse)]
  }

  /// For each element of a row the product of the row's other elements.
  ///
  /// A balanced tree: products of pairs on the way up; on the way down each half gets what lies
  /// outside its pair times its sibling. O(n) multiplications in O(log n) operations.
  private func productOfOthers(_ x: Tensor) -> Tensor {
    let (rows, columns) = (x.shape[0], x.shape[1])
    if columns <= 1 { return .ones(x.shape, dtype: x.dtype) }
    let padded = pad(x, [(0, 0), (0, columns % 2)], value: 1)
    let half = padded.shape[1] / 2
    let pairs = padded.reshape([rows, half, 2])
    let (left, right) = (pairs[.all, .all, 0], pairs[.all, .all, 1])
    let outside = productOfOthers(left * right)
    let both = stack([outside * right, outside * left], axis: 2)
    return both.reshape(padded.shape)[.all, 0..<columns]
  }
}

/// The product along one axis, several, or all (the default). The product of nothing is 1.
///
/// bool and uint8 are multiplied as int64. Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func prod(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  reduced(countable(x), axis, axes, keepDims, "prod", by: Product.self)
}

extension Tensor {
  /// The product along one axis, several, or all (the default).
  public func prod(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.prod(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
