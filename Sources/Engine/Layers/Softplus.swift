/// `log(1 + eˣ)` as a layer.
///
/// - SeeAlso: `softplus(_:)`.
public final class Softplus: Module {
  /// The layer.
  public override init(name: String? = nil) { super.init(name: name) }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { softplus(x) }
}
