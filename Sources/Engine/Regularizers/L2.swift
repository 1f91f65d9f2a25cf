import Tensors

/// The sum of squares times a factor: `l2 · Σw²` (without ½, as in Keras). Keeps parameters small.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §7.1.1; Keras, `regularizers.L2`.
public struct L2: Regularizer {
  /// The factor.
  public let factor: Double

  /// The penalty; the factor is 0.01 by default as in Keras.
  public init(_ factor: Double = 0.01) { self.factor = factor }

  /// The penalty of `parameter`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { sum(square(parameter)) * factor }
}
