import Tensors

/// One value for every element.
public struct Constant: Initializer {
  /// The value.
  public let value: Double

  /// The initializer of `value`, 0 by default as in Keras.
  public init(_ value: Double = 0) { self.value = value }

  /// The value, converted to `dtype`; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .full(shape, value, dtype: dtype)
  }
}
