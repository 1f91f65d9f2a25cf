import Tensors

/// Normally distributed numbers, of which those more than two standard deviations from the mean are drawn again.
public struct TruncatedNormal: Initializer {
  /// The mean of the distribution.
  public let mean: Double
  /// The standard deviation before the ends are cut; that of the numbers is 0.8796 of it.
  public let standardDeviation: Double

  /// The initializer; mean 0 and deviation 0.05 by default as in Keras.
  public init(mean: Double = 0, standardDeviation: Double = 0.05) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.truncatedNormal(shape, dtype, key, mean: mean, deviation: standardDeviation)
  }
}
