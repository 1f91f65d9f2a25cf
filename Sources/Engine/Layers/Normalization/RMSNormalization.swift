import Tensors

/// Scales each sample to a mean square of 1 over some axes, then by a learned factor; nothing is shifted.
///
/// Output of the input's shape: `scale · x / √(mean(x²) + epsilon)`. The parameter `scale` has the lengths of the axes.
///
/// - SeeAlso: Zhang, Sennrich, *Root Mean Square Layer Normalization* (2019), eq. 4; Keras, `layers.RMSNormalization`.
public final class RMSNormalization: Module, KeepsMask {
  /// The axes of the mean.
  public let axes: [Int]
  /// Added to the mean square.
  public let epsilon: Double

  /// A layer over the last axis, or over `axes`; Keras's defaults.
  public init(axes: [Int] = [-1], epsilon: Double = 1e-6, name: String? = nil) {
    self.axes = axes
    self.epsilon = epsilon
    super.init(name: name)
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor {
    guard let axes = axesFromFront(axes, of: input) else { return .invalid }
    let x = floating(input)
    let scale = parameter(
      "scale", shape: Shape(axes.map { x.shape[$0] }), initializer: Ones(), dtype: x.dtype)
    let wide = Shape((0..<x.rank).map { axes.contains($0) ? x.shape[$0] : 1 })
    return x * rsqrt(mean(square(x), axes: axes, keepDims: true) + epsilon) * reshape(scale, wide)
  }
}
