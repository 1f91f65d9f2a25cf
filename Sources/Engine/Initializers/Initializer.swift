import Tensors

/// Gives the initial value of a variable.
public protocol Initializer: Sendable {
  /// A tensor of this shape, drawn from `key`: the same key gives the same values on every machine and rank.
  func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor
}
