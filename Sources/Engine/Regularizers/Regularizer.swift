import Tensors

/// A penalty on a parameter that is added to the loss.
public protocol Regularizer: Sendable {
  /// The penalty of `parameter`, of any shape; a scalar.
  func callAsFunction(_ parameter: Tensor) -> Tensor
}
