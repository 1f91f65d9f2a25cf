import Tensors

/// The largest element of each channel of images: `[batch, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling2D`.
public final class GlobalMaxPooling2D: BaseGlobalMaxPooling {
  /// A layer; with `keepDims` height and width stay as axes of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 2, keepDims: keepDims, name: name)
  }
}
