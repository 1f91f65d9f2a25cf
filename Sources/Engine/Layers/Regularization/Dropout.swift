import Tensors

/// Sets elements to 0 with probability `rate` while training, and multiplies the others by `1 / (1 − rate)`.
///
/// The identity unless ``AnyModule/isTraining``. Other elements at every use and step; in a `Model` N ranks drop what one process drops.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014), §10;
///   Keras, `layers.Dropout`.
public final class Dropout: Module, KeepsMask {
  /// The probability of 0.
  public let rate: Double
  /// The shape of the mask, which broadcasts to that of the input; nil for the input's. Beginning with 1, or of fewer axes
  /// than the input, it is one mask for all samples, on all ranks.
  public let noiseShape: Shape?

  /// A layer that drops; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, noiseShape: Shape? = nil, name: String? = nil) {
    self.rate = rate
    self.noiseShape = noiseShape
    super.init(name: name)
    check(rate: rate)
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard isTraining, rate > 0 else { return x }
    return dropout(
      x, rate: rate, key: nextKey(for: noiseShape, on: x), noiseShape: noiseShape)
  }
}
