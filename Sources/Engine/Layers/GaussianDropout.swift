import Tensors

/// Multiplies by normally distributed numbers with mean 1 and variance `rate / (1 − rate)` while training: those of
/// ``Dropout``, without zeros. The identity otherwise.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014), §10;
///   Keras, `layers.GaussianDropout`.
public final class GaussianDropout: Module, KeepsMask {
  /// The rate of the drop-out with these moments.
  public let rate: Double

  /// A layer that multiplies; `rate` is in 0..<1, else it fails with ``EngineError/invalidArgument(message:)``.
  public init(_ rate: Double, name: String? = nil) {
    self.rate = rate
    super.init(name: name)
    if !(0..<1).contains(rate) { wrongArgument("rate", must: "be in 0..<1", got: "\(rate)") }
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard isTraining, rate > 0, !x.isInvalid else { return x }
    let x = floating(x)
    return x
      * randomNormal(
        x.shape, key: nextKey(), mean: 1, standardDeviation: (rate / (1 - rate)).squareRoot(),
        dtype: x.dtype)
  }
}
