import Tensors

/// Shifts and scales each sample to mean 0 and variance 1 over some axes, then to a learned mean and deviation.
///
/// Output of the input's shape: `gamma · (x − mean) / √(variance + epsilon) + beta` with the mean and (biased) variance
/// over `axes`. Parameters `gamma` and `beta` have the lengths of these axes.
///
/// - SeeAlso: Ba, Kiros, Hinton, *Layer Normalization* (2016), eq. 3 and 4; Keras, `layers.LayerNormalization`.
public final class LayerNormalization: Module, KeepsMask {
  /// The axes of mean and variance.
  public let axes: [Int]
  /// Added to the variance.
  public let epsilon: Double
  /// Whether there is `beta`.
  public var center: Bool { affine.center }
  /// Whether there is `gamma`.
  public var scale: Bool { affine.scale }
  private let affine: Affine

  /// A layer over the last axis, or over `axes`; Keras's defaults.
  public init(
    axes: [Int] = [-1], epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true,
    gammaInitializer: any Initializer = Ones(), betaInitializer: any Initializer = Zeros(),
    gammaRegularizer: (any Regularizer)? = nil, betaRegularizer: (any Regularizer)? = nil,
    gammaConstraint: (any Constraint)? = nil, betaConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.axes = axes
    self.epsilon = epsilon
    affine = Affine(
      scale: scale, center: center, gammaInitializer: gammaInitializer,
      betaInitializer: betaInitializer, gammaRegularizer: gammaRegularizer,
      betaRegularizer: betaRegularizer, gammaConstraint: gammaConstraint,
      betaConstraint: betaConstraint)
    super.init(name: name)
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor {
    guard let axes = axesFromFront(axes, of: input) else { return .invalid }
    let x = floating(input)
    let lengths = Shape(axes.map { x.shape[$0] })
    let wide = Shape((0..<x.rank).map { axes.contains($0) ? x.shape[$0] : 1 })
    let parameters = affine.parameters(of: self, shape: lengths, dtype: x.dtype)
    if let gamma = parameters.gamma, let beta = parameters.beta, axes == [x.rank - 1] {
      return layerNorm(x, gamma: gamma, beta: beta, epsilon: epsilon)
    }
    return scaledAndShifted(normalized(x, axes), parameters, as: wide)
  }

  private func normalized(_ x: Tensor, _ axes: [Int]) -> Tensor {
    let rows = axes.first ?? 0
    // Axes at the end are the columns of a matrix, for which there is one kernel.
    if axes == Array(rows..<x.rank) {
      let columns = x.shape.dimensions[rows...].reduce(1, *)
      let matrix = reshape(x, Shape(x.shape.dimensions[..<rows] + [columns]))
      return reshape(layerNorm(matrix, epsilon: epsilon), x.shape)
    }
    let centred = x - mean(x, axes: axes, keepDims: true)
    return centred * rsqrt(mean(square(centred), axes: axes, keepDims: true) + epsilon)
  }
}
