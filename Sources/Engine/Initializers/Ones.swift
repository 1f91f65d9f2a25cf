import Tensors

/// Ones.
public struct Ones: Initializer {
  /// The initializer of ones.
  public init() {}

  /// Ones of any scalar type; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .ones(shape, dtype: dtype)
  }
}
