import Tensors

/// The mean of each channel of images: `[batch, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling2D`.
public final class GlobalAveragePooling2D: BaseGlobalAveragePooling {
  /// A layer; with `keepDims` height and width stay as axes of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 2, keepDims: keepDims, name: name)
  }
}
