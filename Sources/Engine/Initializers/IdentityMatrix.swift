import Tensors

/// A matrix with one value on its diagonal and zeros elsewhere; Keras's `Identity`.
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
