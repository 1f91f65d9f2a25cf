import Tensors

/// What the global pooling layers share: all spatial axes become one number a channel.
public class BaseGlobalPooling: AnyModule {
  /// The number of spatial axes.
  let rank: Int
  /// Whether the spatial axes stay, with length 1.
  public let keepDims: Bool

  init(rank: Int, keepDims: Bool, name: String?) {
    self.rank = rank
    self.keepDims = keepDims
    super.init(name: name)
  }

  /// The spatial axes.
  var axes: [Int] { Array(1...rank) }
}

/// What ``GlobalMaxPooling1D``, ``GlobalMaxPooling2D`` and ``GlobalMaxPooling3D`` share.
public class BaseGlobalMaxPooling: BaseGlobalPooling, Callable {
  /// The largest element of each channel.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return max(x, axes: axes, keepDims: keepDims)
  }
}

/// What ``GlobalAveragePooling1D``, ``GlobalAveragePooling2D`` and ``GlobalAveragePooling3D`` share.
public class BaseGlobalAveragePooling: BaseGlobalPooling, Callable {
  /// The mean of each channel.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return mean(x, axes: axes, keepDims: keepDims)
  }
}
