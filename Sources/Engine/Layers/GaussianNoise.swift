import Tensors

/// Adds normally distributed numbers with mean 0 while training; the identity otherwise.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §7.5; Keras, `layers.GaussianNoise`.
public final class GaussianNoise: Module, KeepsMask {
  /// The standard deviation of the numbers.
  public let standardDeviation: Double

  /// A layer that adds; a negative deviation fails with ``EngineError/invalidArgument(message:)``.
  public init(_ standardDeviation: Double, name: String? = nil) {
    self.standardDeviation = standardDeviation
    super.init(name: name)
    if !(standardDeviation >= 0 && standardDeviation.isFinite) {
      wrongArgument("the standard deviation", must: "be 0 or more", got: "\(standardDeviation)")
    }
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard isTraining, standardDeviation > 0, !x.isInvalid else { return x }
    let x = floating(x)
    return x
      + randomNormal(
        x.shape, key: nextKey(), standardDeviation: standardDeviation, dtype: x.dtype)
  }
}
