import Tensors

/// A rectifier: `max(x, 0)`, with Keras's refinements.
///
/// `maxValue` where `x` is above it, `x` from `threshold` on, `negativeSlope · (x − threshold)` below.
///
/// - SeeAlso: Keras, `layers.ReLU`.
public final class ReLU: Module, KeepsMask {
  /// The largest output; nil for none.
  public let maxValue: Double?
  /// The slope below the threshold.
  public let negativeSlope: Double
  /// Where the output begins to rise.
  public let threshold: Double

  /// A rectifier; the plain one by default.
  public init(
    maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0,
    name: String? = nil
  ) {
    self.maxValue = maxValue
    self.negativeSlope = negativeSlope
    self.threshold = threshold
    super.init(name: name)
  }

  /// The rectified input, of its shape.
  public func call(_ x: Tensor) -> Tensor {
    var y =
      negativeSlope == 0 && threshold == 0
      ? relu(x) : select(x .>= threshold, x, (x - threshold) * negativeSlope)
    if let maxValue { y = select(y .>= maxValue, maxValue, y) }
    return y
  }
}
