import Tensors

/// The largest element of each window of images.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels]`; with padding `.valid`
/// there are `(height − size) / stride + 1` rows, with `.same` `height / stride`, rounded up. Padding never wins.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.MaxPooling2D`.
public final class MaxPooling2D: BaseMaxPooling {
  /// A layer; windows of 2 along each axis side by side by default.
  public init(
    _ size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid,
    name: String? = nil
  ) {
    super.init(rank: 2, size: size, strides: strides, padding: padding, name: name)
  }
}

/// A short name of ``MaxPooling2D``.
public typealias MaxPool = MaxPooling2D
