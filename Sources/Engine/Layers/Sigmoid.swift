/// `1 / (1 + e⁻ˣ)` as a layer.
///
/// - SeeAlso: `sigmoid(_:)`.
public final class Sigmoid: Module {
  /// The layer.
  public override init(name: String? = nil) { super.init(name: name) }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { sigmoid(x) }
}
