import Tensors

/// Even over ±√(6 / fan-in): for layers with a rectifier.
///
/// - SeeAlso: He et al., *Delving Deep into Rectifiers* (2015), §2.2.
public struct HeUniform: Initializer {
  private let scaling = VarianceScaling(scale: 2, mode: .fanIn, distribution: .uniform)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}

/// Truncated normal with variance 2 / fan-in: for layers with a rectifier.
///
/// - SeeAlso: He et al., *Delving Deep into Rectifiers* (2015), §2.2.
public struct HeNormal: Initializer {
  private let scaling = VarianceScaling(scale: 2, mode: .fanIn, distribution: .truncatedNormal)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}
