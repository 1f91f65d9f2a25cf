import Tensors

/// Zeros around images: `[batch, height, width, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding2D`.
public final class ZeroPadding2D: BaseZeroPadding {
  /// So many zeros above, below, at the left and at the right: `2`, `[1, 2]` for rows and columns, or `[[1, 0],
  /// [0, 2]]`.
  public init(_ padding: SpatialBorder = 1, name: String? = nil) {
    super.init(rank: 2, border: padding, argument: "padding", name: name)
  }
}
