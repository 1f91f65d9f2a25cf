import Tensors

/// `x · Φ(x)` as a layer, with the normal distribution function `Φ`.
///
/// - SeeAlso: `gelu(_:approximate:)`.
public final class GELU: Module, KeepsMask {
  /// Whether to use the approximation by tanh.
  public let approximate: Bool

  /// The layer; exact by default as in Keras.
  public init(approximate: Bool = false, name: String? = nil) {
    self.approximate = approximate
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { gelu(x, approximate: approximate) }
}
