import Tensors

/// The mean of each window of volumes.
///
/// Input `[batch, depth, height, width, channels]`, output `[batch, slices, rows, columns, channels]`; with
/// padding `.valid` there are `(depth − size) / stride + 1` slices, with `.same` `depth / stride`, rounded up.
/// Padding does not count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling3D`.
public final class AveragePooling3D: BaseAveragePooling {
  /// A layer; windows of 2 along each axis side by side by default.
  public init(
    _ size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid,
    name: String? = nil
  ) {
    super.init(rank: 3, size: size, strides: strides, padding: padding, name: name)
  }
}
