import Tensors

/// What the pooling layers share: a window that slides over images.
public class BasePooling: AnyModule {
  /// The number of spatial axes.
  let rank: Int
  /// Elements of the window along each axis.
  public let size: SpatialSize
  /// Elements from one window to the next; nil for those of the window.
  public let strides: SpatialSize?
  /// What happens at the edges.
  public let padding: Padding

  init(rank: Int, size: SpatialSize, strides: SpatialSize?, padding: Padding, name: String?) {
    self.rank = rank
    self.size = size
    self.strides = strides
    self.padding = padding
    super.init(name: name)
    for (argument, lengths) in [("size", size), ("strides", strides ?? size)]
    where lengths.along(rank)?.allSatisfy({ $0 >= 1 }) != true {
      wrongArgument(
        "\(argument)", must: "be one number or \(rank), of at least 1", got: "\(lengths.lengths)")
    }
  }
}

/// What ``MaxPooling1D``, ``MaxPooling2D`` and ``MaxPooling3D`` share.
public class BaseMaxPooling: BasePooling, Callable {
  /// The largest element of each window of images with the channels last.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return maxPool(x, size: size, strides: strides, padding: padding)
  }
}

/// What ``AveragePooling1D``, ``AveragePooling2D`` and ``AveragePooling3D`` share.
public class BaseAveragePooling: BasePooling, Callable {
  /// The mean of each window of images with the channels last.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return averagePool(x, size: size, strides: strides, padding: padding)
  }
}
