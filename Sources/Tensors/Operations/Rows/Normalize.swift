/// Vectors along some axes with length 1: `x / max(‖x‖, epsilon)`.
///
/// - Parameters:
///   - axes: the axes of a vector, negative from the end.
///   - epsilon: the least length that is divided by, so that a vector of zeros stays one and has a gradient.
public func normalize(_ x: Tensor, axes: [Int] = [-1], epsilon: Double = 1e-12) -> Tensor {
  let x = floating(x)
  return x / maximum(norm(x, axes: axes, keepDims: true), epsilon)
}
