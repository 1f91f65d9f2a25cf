import Tensors

/// The sum of absolute values times a factor: `l1 · Σ|w|`. Makes parameters sparse.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §7.1.2; Keras, `regularizers.L1`.
public struct L1: Regularizer {
  /// The factor.
  public let factor: Double

  /// The penalty; the factor is 0.01 by default as in Keras.
  public init(_ factor: Double = 0.01) { self.factor = factor }

  /// The penalty of `parameter`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { sum(abs(parameter)) * factor }
}
