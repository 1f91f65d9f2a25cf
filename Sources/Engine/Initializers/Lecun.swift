import Tensors

/// Even over ±√(3 / fan-in).
///
/// - SeeAlso: LeCun, Bottou, Orr, Müller, *Efficient BackProp* (1998), §4.6.
public struct LecunUniform: Initializer {
  private let scaling = VarianceScaling(scale: 1, mode: .fanIn, distribution: .uniform)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}

/// Truncated normal with variance 1 / fan-in.
///
/// - SeeAlso: LeCun, Bottou, Orr, Müller, *Efficient BackProp* (1998), §4.6.
public struct LecunNormal: Initializer {
  private let scaling = VarianceScaling(scale: 1, mode: .fanIn, distribution: .truncatedNormal)

  /// The initializer.
  public init() {}

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    scaling(shape, dtype: dtype, key: key)
  }
}
