import Tensors

/// A penalty on a parameter that is added to the loss.
public protocol Regularizer: Sendable {
  /// The penalty of `parameter`, of any shape; a scalar.
  func callAsFunction(_ parameter: Tensor) -> Tensor
}

/// The sum of absolute values times a factor: `l1 · Σ|w|`. Makes parameters sparse.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §7.1.2; Keras, `regularizers.L1`.
public struct L1: Regularizer {
  /// What the sum is multiplied by.
  public let factor: Double

  /// The penalty; the factor is 0.01 by default as in Keras.
  public init(_ factor: Double = 0.01) { self.factor = factor }

  /// The penalty of `parameter`, of any shape; a scalar.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { sum(abs(parameter)) * factor }
}

/// The sum of squares times a factor: `l2 · Σw²` (without ½, as in Keras). Keeps parameters small.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §7.1.1; Keras, `regularizers.L2`.
public struct L2: Regularizer {
  /// What the sum is multiplied by.
  public let factor: Double

  /// The penalty; the factor is 0.01 by default as in Keras.
  public init(_ factor: Double = 0.01) { self.factor = factor }

  /// The penalty of `parameter`, of any shape; a scalar.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { sum(square(parameter)) * factor }
}

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

  /// The penalty of `parameter`, of any shape; a scalar.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    sum(abs(parameter)) * l1 + sum(square(parameter)) * l2
  }
}
