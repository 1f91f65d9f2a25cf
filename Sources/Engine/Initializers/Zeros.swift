import Tensors

/// Zeros.
public struct Zeros: Initializer {
  /// The initializer of zeros.
  public init() {}

  /// Zeros of any scalar type; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .zeros(shape, dtype: dtype)
  }
}
