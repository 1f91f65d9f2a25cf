import Tensors

/// The largest element of each window of sequences.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, channels]`; with padding `.valid` there are
/// `(steps − size) / stride + 1` steps, with `.same` `steps / stride`, rounded up. Padding never wins.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.MaxPooling1D`.
public final class MaxPooling1D: BaseMaxPooling {
  /// A layer; windows of 2 side by side by default.
  public init(
    _ size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid,
    name: String? = nil
  ) {
    super.init(rank: 1, size: size, strides: strides, padding: padding, name: name)
  }
}
