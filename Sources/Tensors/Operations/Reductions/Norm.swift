import Foundation

/// The length of vectors along one axis, several, or all (the default): `(Σ |x|^order)^(1/order)`.
///
/// Nothing overflows or vanishes on the way: the result is right wherever it is a number of the type of `x`. The gradient at
/// a vector of zeros is 0, not NaN; for an order below 1 it is 0 at every element that is 0, as in PyTorch. Integers become
/// float32.
///
/// - Parameters:
///   - order: 2 for Euclid's, 1 for the sum of absolute values, infinity for the largest and -infinity for the smallest of
///     them, 0 for the number of elements that are not 0.
///   - axis: the axis, negative from the end.
///   - axes: or several axes.
///   - keepDims: whether they stay, with length 1.
/// - SeeAlso: NumPy, `numpy.linalg.norm` of a vector.
public func norm(
  _ x: Tensor, order: Double = 2, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  attempt {
    let axes = try x.shape.reductionAxes(axis, axes, "norm")
    let x = floating(x)
    func total(_ parts: Tensor) -> Tensor { sum(parts, axes: axes, keepDims: keepDims) }
    switch order {
    case 2: return apply1(EuclideanNorm(axes: axes, keepDims: keepDims), x)
    case 1: return total(abs(x))
    case 0: return total((x .!= 0).cast(to: x.dtype))
    case .infinity: return max(abs(x), axes: axes, keepDims: keepDims)
    case -.infinity: return min(abs(x), axes: axes, keepDims: keepDims)
    default:
      // Powers of large and tiny numbers overflow and vanish: those of ratios do not. The largest is a constant here,
      // since the result does not depend on it.
      let sizes = abs(x)
      guard x.elementCount > 0 else { return total(sizes) }
      let largest = stopGradient(max(sizes, axes: axes, keepDims: true))
      let unit = select(logicalAnd(isFinite(largest), largest .> 0), largest, 1)
      var powers: Tensor
      if order < 1 {
        // The slope at 0 is infinite: zeros take no part in the gradient.
        let isZero = x .== 0
        powers = pow(select(isZero, 1, sizes / unit), order)
        powers = select(isZero, order > 0 ? 0 : .infinity, powers)
      } else {
        powers = pow(sizes / unit, order)
      }
      let sum = total(powers)
      let ratio = order > 0 ? awayFromZero(sum) { pow($0, 1 / order) } : pow(sum, 1 / order)
      return ratio * unit.reshape(ratio.shape)
    }
  }
}

/// The square root of each element, with the gradient 0 (and not infinity) at 0. Integers become float32.
public func safeSqrt(_ x: Tensor) -> Tensor { awayFromZero(floating(x), Tensors.sqrt) }

/// `f(x)`, and 0 without a gradient where `x` is 0.
private func awayFromZero(_ x: Tensor, _ f: (Tensor) -> Tensor) -> Tensor {
  // Zeros are kept away from f as well: infinity times 0 is NaN.
  let isZero = x .== 0
  return select(isZero, 0, f(select(isZero, 1, x)))
}

/// The standard deviation of the population along one axis, several, or all (the default), with the gradient 0 where it
/// is 0.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``.
public func standardDeviation(
  _ x: Tensor, axis: Int? = nil, axes: [Int]? = nil, keepDims: Bool = false
) -> Tensor {
  safeSqrt(variance(x, axis: axis, axes: axes, keepDims: keepDims))
}

/// `log Σ exp(x)` along one axis, several, or all (the default), without overflow; -infinity for nothing. Integers become
/// float32.
///
/// Parameters as for ``sum(_:axis:axes:keepDims:)``.
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

/// Each element, or the bound that it lies beyond. At a bound half of the gradient passes.
///
/// Bounds with a fraction make an integer tensor float32.
public func clip(_ x: Tensor, min: Double = -.infinity, max: Double = .infinity) -> Tensor {
  let above = min == -.infinity ? x : maximum(x, min)
  return max == .infinity ? above : minimum(above, max)
}

/// Each element, or the bound, of any Swift type, that it lies beyond. With whole bounds an integer tensor keeps its type where
/// that holds them, and becomes int32 or int64 otherwise.
public func clip<Low: TensorScalar, High: TensorScalar>(
  _ x: Tensor, min: Low, max: High
) -> Tensor {
  minimum(maximum(x, min), max)
}

/// The larger of each element and a bound of any Swift type; see ``clip(_:min:max:)``.
public func clip<Low: TensorScalar>(_ x: Tensor, min: Low) -> Tensor { maximum(x, min) }

/// The smaller of each element and a bound of any Swift type; see ``clip(_:min:max:)``.
public func clip<High: TensorScalar>(_ x: Tensor, max: High) -> Tensor { minimum(x, max) }
