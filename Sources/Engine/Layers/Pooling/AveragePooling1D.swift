import Tensors

/// The mean of each window of sequences.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, channels]`; with padding `.valid` there are
/// `(steps − size) / stride + 1` steps, with `.same` `steps / stride`, rounded up. Padding does not count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling1D`.
public final class AveragePooling1D: BaseAveragePooling {
  /// A layer; windows of 2 side by side by default.
  public init(
    _ size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid,
    name: String? = nil
  ) {
    super.init(rank: 1, size: size, strides: strides, padding: padding, name: name)
  }
}
