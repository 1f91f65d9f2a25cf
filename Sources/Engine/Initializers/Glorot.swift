import Tensors

/// Even over ±√(6 / (fan-in + fan-out)): the default for kernels.
///
/// - SeeAlso: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010), §4.2.1.
public struct GlorotUniform: Initializer {
  private let scaling = VarianceScaling(scale: 1, mode: .fanAverage, distribution: .uniform)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}

/// Truncated normal with variance 2 / (fan-in + fan-out).
///
/// - SeeAlso: Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010), §4.2.1.
public struct GlorotNormal: Initializer {
  private let scaling = VarianceScaling(scale: 1, mode: .fanAverage, distribution: .truncatedNormal)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}
