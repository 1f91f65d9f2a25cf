import Tensors

/// Zeros around volumes: `[batch, depth, height, width, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding3D`.
public final class ZeroPadding3D: BaseZeroPadding {
  /// So many zeros before and behind, above, below, at the left and at the right: `2`, `[1, 2, 0]` for slices,
  /// rows and columns, or pairs of before and behind.
  public init(_ padding: SpatialBorder = 1, name: String? = nil) {
    super.init(rank: 3, border: padding, argument: "padding", name: name)
  }
}
