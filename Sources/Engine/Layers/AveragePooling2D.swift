/// The mean of each window of images.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels]`; with padding `.valid` there are
/// `(height − size) / stride + 1` rows, with `.same` `height / stride`, rounded up. Padding does not count.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.3; Keras, `layers.AveragePooling2D`.
public final class AveragePooling2D: Module {
  /// Rows and columns of the window.
  public let size: Size2D
  /// Rows and columns from one window to the next; nil for those of the window.
  public let strides: Size2D?
  /// What happens at the edges.
  public let padding: Padding

  /// A layer; windows of 2 by 2 side by side by default.
  public init(
    _ size: Size2D = 2, strides: Size2D? = nil, padding: Padding = .valid, name: String? = nil
  ) {
    self.size = size
    self.strides = strides
    self.padding = padding
    super.init(name: name)
  }

  /// `[batch, height, width, channels]` to `[batch, rows, columns, channels]`.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == 4 else {
      return wrongInput(x, expected: "images [batch, height, width, channels]")
    }
    return avgPool2D(x, size: size.pair, strides: strides?.pair, padding: padding)
  }
}

/// A short name of ``AveragePooling2D``.
public typealias AvgPool = AveragePooling2D
