import Tensors

/// The mean of each channel of volumes: `[batch, depth, height, width, channels]` to `[batch, channels]`.
///
/// - SeeAlso: Lin, Chen, Yan, *Network in Network* (2014), §3.2; Keras, `layers.GlobalAveragePooling3D`.
public final class GlobalAveragePooling3D: BaseGlobalAveragePooling {
  /// A layer; with `keepDims` depth, height and width stay as axes of length 1.
  public init(keepDims: Bool = false, name: String? = nil) {
    super.init(rank: 3, keepDims: keepDims, name: name)
  }
}
