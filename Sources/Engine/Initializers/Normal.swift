import Tensors

/// Normally distributed numbers; Keras's `RandomNormal`.
public struct Normal: Initializer {
  /// The mean of the distribution.
  public let mean: Double
  /// The standard deviation of the distribution.
  public let standardDeviation: Double

  /// The initializer; mean 0 and deviation 0.05 by default as in Keras.
  public init(mean: Double = 0, standardDeviation: Double = 0.05) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.normal(shape, dtype, key, mean: mean, deviation: standardDeviation)
  }
}
