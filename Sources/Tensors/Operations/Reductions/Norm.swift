import CKernels

/// The square root of the sum of squares along axes, added in float64: no square overflows or vanishes.
struct EuclideanNorm: ReductionPrimitive {
  static var op: apus_reduce_op { APUS_NORM }
  let axes: [Int]
  let keepDims: Bool

  /// `g · x / ‖x‖`, and 0 for a vector of zeros.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let norms = unfolded(c.y, like: c.x)
    let isZero = norms .== 0
    return [unfolded(c.g, like: c.x) * select(isZero, 0, c.x / select(isZero, 1, norms))]
  }
}

/// The length of vectors along one axis, several, or all (the default): `(Σ |x|^order)^(1/order)`.
///
/// Nothing overflows or vanishes on the way: the result is right wherever it is a number of the type of `x`. The gradient at
/// a vector of zeros is 0, not NaN; for an order below 1 it is 0 at every element that is 0, as in PyTorch. Integers become
/// float32.
///
/// - Parameters:
///   - x: of any shape.
///   - order: 2 for Euclid's, 1 for the sum of absolute values, infinity for the largest and -infinity for the smallest of
///     them, 0 for the number of elements that are not 0.
///   - axis: the axis, negative from the end.
///   - axes: or several axes.
///   - keepDims: whether they stay, with length 1.
/// - Returns: shape and errors as for ``sum(_:axis:axes:keepDims:)->Tensor``.
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

/// Vectors along some axes with length 1: `x / max(‖x‖, epsilon)`. Integers become float32.
///
/// - Parameters:
///   - x: of any shape.
///   - axes: the axes of a vector, negative from the end.
///   - epsilon: the least length that is divided by, so that a vector of zeros stays one and has a gradient.
/// - Returns: of the shape of `x`.
public func normalize(_ x: Tensor, axes: [Int] = [-1], epsilon: Double = 1e-12) -> Tensor {
  let x = floating(x)
  return x / maximum(norm(x, axes: axes, keepDims: true), epsilon)
}
