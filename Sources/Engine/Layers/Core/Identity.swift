import Tensors

/// The input itself as a layer: where a place must be filled and nothing is to be done.
///
/// - SeeAlso: Keras, `layers.Identity`.
public final class Identity: Module, KeepsMask {
  /// A layer without settings.
  public override init(name: String? = nil) { super.init(name: name) }

  /// `x` itself, of any shape.
  public func call(_ x: Tensor) -> Tensor { x }
}
