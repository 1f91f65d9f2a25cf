import Tensors

/// Images without their borders: `[batch, height, width, channels]` with shorter axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.Cropping2D`.
public final class Cropping2D: BaseCropping {
  /// Cuts off so much above, below, at the left and at the right: `2`, `[1, 2]` for rows and columns, or `[[1,
  /// 0], [0, 2]]`.
  public init(_ cropping: SpatialBorder = 0, name: String? = nil) {
    super.init(rank: 2, border: cropping, argument: "cropping", name: name)
  }
}
