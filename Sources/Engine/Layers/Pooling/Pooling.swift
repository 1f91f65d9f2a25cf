import Tensors

/// What the pooling layers share: a window that slides over images.
public class BasePooling: BaseSpatialLayer {
  /// Elements of the window along each axis.
  public let size: SpatialSize
  /// Elements from one window to the next; nil for those of the window.
  public let strides: SpatialSize?
  /// What happens at the edges.
  public let padding: Padding

  /// A layer; windows of 2 along each axis, side by side, by default.
  ///
  /// `size` and `strides` are one number for all axes or one an axis, of at least 1; others fail with
  /// ``EngineError/invalidArgument(message:)``.
  public init(
    _ size: SpatialSize = 2, strides: SpatialSize? = nil, padding: Padding = .valid,
    name: String? = nil
  ) {
    self.size = size
    self.strides = strides
    self.padding = padding
    super.init(name: name)
    check("size", size)
    if let strides { check("strides", strides) }
  }
}

/// What ``MaxPooling1D``, ``MaxPooling2D`` and ``MaxPooling3D`` share.
public class BaseMaxPooling: BasePooling, Callable {
  /// The largest element of each window: `[batch, spatial axes..., channels]` to `[batch, windows along each..., channels]`.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { maxPool($0, size: size, strides: strides, padding: padding) }
  }
}

/// What ``AveragePooling1D``, ``AveragePooling2D`` and ``AveragePooling3D`` share.
public class BaseAveragePooling: BasePooling, Callable {
  /// The mean of each window: `[batch, spatial axes..., channels]` to `[batch, windows along each..., channels]`.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { averagePool($0, size: size, strides: strides, padding: padding) }
  }
}

/// The largest element of each window of sequences.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, channels]`; with padding `.valid` there are
/// `(steps − size) / stride + 1` steps, with `.same` `steps / stride`, rounded up. Padding never wins.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.MaxPooling1D`.
public final class MaxPooling1D: BaseMaxPooling {
  override class var rank: Int { 1 }
}

/// The largest element of each window of images.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels]`; with padding `.valid`
/// there are `(height − size) / stride + 1` rows, with `.same` `height / stride`, rounded up. Padding never wins.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.MaxPooling2D`.
public final class MaxPooling2D: BaseMaxPooling {
  override class var rank: Int { 2 }
}

/// A short name of ``MaxPooling2D``.
public typealias MaxPool = MaxPooling2D

/// The largest element of each window of volumes.
///
/// Input `[batch, depth, height, width, channels]`, output `[batch, slices, rows, columns, channels]`; with
/// padding `.valid` there are `(depth − size) / stride + 1` slices, with `.same` `depth / stride`, rounded up.
/// Padding never wins.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.MaxPooling3D`.
public final class MaxPooling3D: BaseMaxPooling {
  override class var rank: Int { 3 }
}

/// The mean of each window of sequences.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, channels]`; with padding `.valid` there are
/// `(steps − size) / stride + 1` steps, with `.same` `steps / stride`, rounded up. Padding does not count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling1D`.
public final class AveragePooling1D: BaseAveragePooling {
  override class var rank: Int { 1 }
}

/// The mean of each window of images.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels]`; with padding `.valid`
/// there are `(height − size) / stride + 1` rows, with `.same` `height / stride`, rounded up. Padding does not
/// count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling2D`.
public final class AveragePooling2D: BaseAveragePooling {
  override class var rank: Int { 2 }
}

/// A short name of ``AveragePooling2D``.
public typealias AvgPool = AveragePooling2D

/// The mean of each window of volumes.
///
/// Input `[batch, depth, height, width, channels]`, output `[batch, slices, rows, columns, channels]`; with
/// padding `.valid` there are `(depth − size) / stride + 1` slices, with `.same` `depth / stride`, rounded up.
/// Padding does not count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling3D`.
public final class AveragePooling3D: BaseAveragePooling {
  override class var rank: Int { 3 }
}
