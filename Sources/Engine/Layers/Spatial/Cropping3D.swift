import Tensors

/// Volumes without their borders: `[batch, depth, height, width, channels]` with shorter axes between batch and
/// channels.
///
/// - SeeAlso: Keras, `layers.Cropping3D`.
public final class Cropping3D: BaseCropping {
  /// Cuts off so much before and behind, above, below, at the left and at the right: `2`, `[1, 2, 0]` for slices,
  /// rows and columns, or pairs of before and behind.
  public init(_ cropping: SpatialBorder = 1, name: String? = nil) {
    super.init(rank: 3, border: cropping, argument: "cropping", name: name)
  }
}
