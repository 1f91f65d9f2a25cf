import Tensors

/// Both penalties: `l1 · Σ|w| + l2 · Σw²`.
///
/// - SeeAlso: Zou, Hastie, *Regularization and variable selection via the elastic net* (2005), §2.1; Keras,
///   `regularizers.L1L2`.
public struct L1L2: Regularizer {
  /// The factor of absolute values.
  public let l1: Double
  /// The factor of squares.
  public let l2: Double

  /// The penalty; both factors are 0 by default as in Keras.
  public init(l1: Double = 0, l2: Double = 0) {
    self.l1 = l1
    self.l2 = l2
  }

  /// The penalty of `parameter`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    sum(abs(parameter)) * l1 + sum(square(parameter)) * l2
  }
}
