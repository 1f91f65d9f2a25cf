/// The mean along one axis, several, or all (the default): the sum divided by the number of
/// elements.
///
/// The mean of nothing is NaN. Integers and bool are averaged as float32. Parameters, shape and errors as for
/// ``sum(_:axis:axes:keepDims:)->Tensor``.
public func mean(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "mean")
    let count = axes.reduce(1) { $0 * x.shape.dimensions[$1] }
    return sum(floating(x), axes: axes, keepDims: keepDims) / Double(count)
  }
}

/// The variance along one axis, several, or all (the default): the mean of the squared distances
/// from the mean.
///
/// That of the population (divided by n); found in a second pass over centred values, which unlike
/// the mean of squares less the square of the mean does not cancel. Integers become float32. Parameters, shape and errors
/// as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func variance(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "variance")
    let centred = x - mean(x, axes: axes, keepDims: true)
    return mean(square(centred), axes: axes, keepDims: keepDims)
  }
}

/// The standard deviation of the population along one axis, several, or all (the default), with the gradient 0 where it
/// is 0.
///
/// Integers become float32. Parameters, shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
public func standardDeviation(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  safeSqrt(variance(x, axis: axis, axes: axes, keepDims: keepDims))
}

extension Tensor {
  /// The mean along one axis, several, or all (the default); NaN for nothing.
  public func mean(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.mean(self, axis: axis, axes: axes, keepDims: keepDims)
  }

  /// The variance of the population along one axis, several, or all (the default); NaN for nothing.
  public func variance(axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    Tensors.variance(self, axis: axis, axes: axes, keepDims: keepDims)
  }
}
