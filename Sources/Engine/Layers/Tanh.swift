/// Hyperbolic tangent as a layer.
///
/// - SeeAlso: `tanh(_:)`.
public final class Tanh: Module {
  /// The layer.
  public override init(name: String? = nil) { super.init(name: name) }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { tanh(x) }
}
