import Tensors

/// Sequences made larger: `[batch, steps, channels]` with axes between batch and channels that are `size` times
/// as long.
///
/// - SeeAlso: Keras, `layers.UpSampling1D`.
public final class UpSampling1D: BaseUpSampling {
  /// A layer that repeats each step; twice by default.
  public init(_ size: SpatialSize = 2, name: String? = nil) {
    super.init(rank: 1, size: size, interpolation: .nearest, name: name)
  }
}
