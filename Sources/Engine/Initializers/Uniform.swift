import Tensors

/// Numbers evenly distributed over [`low`, `high`); Keras's `RandomUniform`.
public struct Uniform: Initializer {
  /// The smallest number.
  public let low: Double
  /// The end of the range, not in it.
  public let high: Double

  /// The initializer; ±0.05 by default as in Keras.
  public init(low: Double = -0.05, high: Double = 0.05) {
    self.low = low
    self.high = high
  }

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.uniform(shape, dtype, key, low: low, high: high)
  }
}
