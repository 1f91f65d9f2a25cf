import Tensors

/// 0 for every element: the default for biases.
///
/// - SeeAlso: Keras, `initializers.Zeros`.
public struct Zeros: Initializer {
  /// The initializer of zeros.
  public init() {}

  /// Zeros of any scalar type; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .zeros(shape, dtype: dtype)
  }
}

/// 1 for every element: the default for the factors of normalisations.
///
/// - SeeAlso: Keras, `initializers.Ones`.
public struct Ones: Initializer {
  /// The initializer of ones.
  public init() {}

  /// Ones of any scalar type; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .ones(shape, dtype: dtype)
  }
}

/// One value for every element.
///
/// - SeeAlso: Keras, `initializers.Constant`.
public struct Constant: Initializer {
  /// The value of every element.
  public let value: Double

  /// The initializer of `value`, 0 by default as in Keras.
  public init(_ value: Double = 0) { self.value = value }

  /// A tensor of `shape` with the value, converted to `dtype`, everywhere; the key is not used.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    .full(shape, value, dtype: dtype)
  }
}

/// A matrix with one value on its diagonal and zeros elsewhere.
///
/// - SeeAlso: Keras, `initializers.Identity`.
public struct IdentityMatrix: Initializer {
  /// The value on the diagonal.
  public let gain: Double

  /// The initializer of `gain` times the identity.
  public init(gain: Double = 1) { self.gain = gain }

  /// `[rows, columns]`, square or not; the key is not used. Another rank fails with
  /// ``EngineError/shape(operation:message:)``.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    guard shape.rank == 2 else {
      return fail(
        EngineError.shape(
          operation: "IdentityMatrix",
          message: "gives matrices [rows, columns], asked for \(shape)"))
    }
    var values = [Double](repeating: 0, count: shape.elementCount)
    for index in 0..<Swift.min(shape[0], shape[1]) { values[index * shape[1] + index] = gain }
    return Tensor(values, shape: shape, dtype: dtype)
  }
}
