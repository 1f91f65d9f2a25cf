import Tensors

/// Numbers evenly distributed over [`low`, `high`).
///
/// - SeeAlso: Keras, `initializers.RandomUniform`.
public struct Uniform: Initializer {
  /// The smallest number that can be drawn.
  public let low: Double
  /// The end of the range, not in it.
  public let high: Double

  /// The initializer; ±0.05 by default as in Keras.
  public init(low: Double = -0.05, high: Double = 0.05) {
    self.low = low
    self.high = high
  }

  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.uniform(shape, dtype, key, low: low, high: high)
  }
}

/// Normally distributed numbers.
///
/// - SeeAlso: Keras, `initializers.RandomNormal`.
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

  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.normal(shape, dtype, key, mean: mean, deviation: standardDeviation)
  }
}

/// Normally distributed numbers, of which those more than two standard deviations from the mean are drawn again.
///
/// - SeeAlso: Keras, `initializers.TruncatedNormal`.
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

  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    Draw.truncatedNormal(shape, dtype, key, mean: mean, deviation: standardDeviation)
  }
}

/// Even over ±scale · √(3 / inputs), where a unit has as many inputs as the kernel has elements for it: signals keep their
/// size, times `scale`.
///
/// - SeeAlso: Sussillo, Abbott, *Random Walk Initialization for Training Very Deep Feedforward Networks* (2014), §3; Elegy,
///   `initializers.UniformScaling`.
public struct UniformScaling: Initializer {
  /// What signals are multiplied by.
  public let scale: Double

  /// An initializer that multiplies the size of signals by `scale`; 1 by default.
  public init(scale: Double = 1) { self.scale = scale }

  /// A tensor of `shape` with numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    let inputs = Swift.max(shape.dimensions.dropLast().reduce(1, *), 1)
    let limit = scale * (3 / Double(inputs)).squareRoot()
    return Draw.uniform(shape, dtype, key, low: -limit, high: limit)
  }
}
