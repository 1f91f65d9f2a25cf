import Tensors

/// What ``UpSampling1D``, ``UpSampling2D`` and ``UpSampling3D`` share.
public class BaseUpSampling: AnyModule, Callable {
  /// The number of spatial axes.
  let rank: Int
  /// How many elements become of one, along each axis.
  public let size: SpatialSize
  /// What the new elements are.
  public let interpolation: Interpolation

  init(rank: Int, size: SpatialSize, interpolation: Interpolation, name: String?) {
    self.rank = rank
    self.size = size
    self.interpolation = interpolation
    super.init(name: name)
    if size.along(rank)?.allSatisfy({ $0 >= 1 }) != true {
      wrongArgument("size", must: "be one number or \(rank), of at least 1", got: "\(size.lengths)")
    }
  }

  /// Images with the channels last, made larger.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return upSample(x, size: size, interpolation: interpolation)
  }
}
