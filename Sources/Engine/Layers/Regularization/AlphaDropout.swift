import Tensors

/// Dropout after ``ActivationFunction/selu``: mean 0 and variance 1 stay what they are.
///
/// While training elements are set to `s = −1.7581`, where `selu` ends, with probability `rate`; then all become
/// `a · x + b` with `a = 1 / √((1 − rate)(1 + rate · s²))` and `b = −a · s · rate`. The identity otherwise.
///
/// - SeeAlso: Klambauer et al., *Self-Normalizing Neural Networks* (2017), §3; Keras, `layers.AlphaDropout`.
public final class AlphaDropout: Module, KeepsMask {
  /// The probability of `s`.
  public let rate: Double
  /// The shape of the mask, which broadcasts to that of the input; nil for the input's. Beginning with 1, or of fewer axes
  /// than the input, it is one mask for all samples, on all ranks.
  public let noiseShape: Shape?
  /// What `selu` goes to far below 0.
  private static let saturation = -1.673_263_242_354_377_28 * 1.050_700_987_355_480_49

  /// A layer that drops; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, noiseShape: Shape? = nil, name: String? = nil) {
    self.rate = rate
    self.noiseShape = noiseShape
    super.init(name: name)
    check(rate: rate)
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard isTraining, rate > 0, !x.isInvalid else { return x }
    let x = floating(x)
    let s = Self.saturation
    let a = 1 / ((1 - rate) * (1 + rate * s * s)).squareRoot()
    let key = nextKey(for: noiseShape, on: x)
    let kept = randomUniform(noiseShape ?? x.shape, key: key, dtype: x.dtype) .>= rate
    return select(kept, x, s) * a - a * s * rate
  }
}
