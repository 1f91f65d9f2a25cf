import Tensors

/// No element is below 0: negative ones become 0. Keras's `NonNeg`.
///
/// - SeeAlso: Keras, `constraints.NonNeg`.
public struct NonNegative: Constraint {
  /// The constraint.
  public init() {}

  /// `max(w, 0)`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor { maximum(parameter, 0) }
}
