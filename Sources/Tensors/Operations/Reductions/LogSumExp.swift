/// `log Σ exp(x)` along one axis, several, or all (the default), without overflow; -infinity for nothing. Integers become
/// float32.
///
/// Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func logSumExp(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "logSumExp")
    let x = floating(x)
    let wide = x.shape.reduced(axes, keepDims: true)
    // Nothing has no largest element.
    let largest =
      x.elementCount == 0
      ? .zeros(wide, dtype: x.dtype) : stopGradient(max(x, axes: axes, keepDims: true))
    // Infinities are no point to measure from.
    let origin = select(isFinite(largest), largest, 0)
    let logarithm = log(sum(exp(x - origin), axes: axes, keepDims: true)) + origin
    return keepDims ? logarithm : logarithm.reshape(x.shape.reduced(axes, keepDims: false))
  }
}

/// `log(exp(a) + exp(b))`, element by element, without overflow; shapes and types as in ``add(_:_:)``, but two tensors of
/// integers make float32.
public func logAddExp(_ a: Tensor, _ b: Tensor) -> Tensor {
  // Two infinities of one sign have no difference.
  let distance = select(a .== b, 0, floating(a - b))
  return maximum(a, b) + log1p(exp(-abs(distance)))
}
