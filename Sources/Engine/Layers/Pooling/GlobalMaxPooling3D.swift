import Tensors

/// The largest element of each channel of volumes: `[batch, depth, height, width, channels]` to `[batch,
/// channels]`.
///
/// - SeeAlso: Keras, `layers.GlobalMaxPooling3D`.
public final class GlobalMaxPooling3D: BaseGlobalMaxPooling {
  /// A layer; with `keepDims` depth, height and width stay as axes of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 3, keepDims: keepDims, name: name)
  }
}
