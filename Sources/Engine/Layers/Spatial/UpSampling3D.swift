import Tensors

/// Volumes made larger: `[batch, depth, height, width, channels]` with axes between batch and channels that are
/// `size` times as long.
///
/// - SeeAlso: Keras, `layers.UpSampling3D`.
public final class UpSampling3D: BaseUpSampling {
  /// A layer that repeats each element; twice along each axis by default.
  public init(_ size: SpatialSize = 2, name: String? = nil) {
    super.init(rank: 3, size: size, interpolation: .nearest, name: name)
  }
}
