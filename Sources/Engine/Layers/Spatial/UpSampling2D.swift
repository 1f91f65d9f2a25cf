import Tensors

/// Images made larger: `[batch, height, width, channels]` with axes between batch and channels that are `size`
/// times as long.
///
/// - SeeAlso: Keras, `layers.UpSampling2D`.
public final class UpSampling2D: BaseUpSampling {
  /// A layer; twice as many rows and columns, each pixel repeated, by default.
  public init(
    _ size: SpatialSize = 2, interpolation: Interpolation = .nearest, name: String? = nil
  ) {
    super.init(rank: 2, size: size, interpolation: interpolation, name: name)
  }
}
