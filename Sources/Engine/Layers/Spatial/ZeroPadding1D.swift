import Tensors

/// Zeros around sequences: `[batch, steps, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding1D`.
public final class ZeroPadding1D: BaseZeroPadding {
  /// So many zeros before the first and behind the last step: `2` or `[[1, 2]]`.
  public init(_ padding: SpatialBorder = 1, name: String? = nil) {
    super.init(rank: 1, border: padding, argument: "padding", name: name)
  }
}
