import Tensors

/// Every sample as one row: `[batch, a, b, ...]` to `[batch, a · b · ...]`, and `[batch]` to `[batch, 1]`.
///
/// - SeeAlso: Keras, `layers.Flatten`.
public final class Flatten: Module {
  /// A layer without settings.
  public override init(name: String? = nil) { super.init(name: name) }

  /// `[batch, a, b, ...]` to `[batch, a · b · ...]`; a view of the input where its memory allows.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank >= 1, !x.isInvalid else { return wrongInput(x, expected: "[batch, ...]") }
    return reshape(x, [x.shape[0], x.shape.dimensions.dropFirst().reduce(1, *)])
  }
}
