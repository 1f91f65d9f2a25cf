import Tensors

/// Sequences without their borders: `[batch, steps, channels]` with shorter axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.Cropping1D`.
public final class Cropping1D: BaseCropping {
  /// Cuts off so much before the first and behind the last step: `2` or `[[1, 2]]`.
  public init(_ cropping: SpatialBorder = 1, name: String? = nil) {
    super.init(rank: 1, border: cropping, argument: "cropping", name: name)
  }
}
