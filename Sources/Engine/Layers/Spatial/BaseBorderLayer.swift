import Tensors

/// What layers that put images into a frame or take them out of one share.
public class BaseBorderLayer: AnyModule {
  /// The number of spatial axes.
  let rank: Int
  /// Pairs of numbers of elements, before and behind, of each spatial axis.
  let widths: [(before: Int, after: Int)]

  init(rank: Int, border: SpatialBorder, argument: String, name: String?) {
    self.rank = rank
    widths = border.along(rank) ?? []
    super.init(name: name)
    if widths.isEmpty {
      wrongArgument(
        "\(argument)", must: "be numbers or pairs of at least 0, one or \(rank) of them",
        got: "\(border)")
    }
  }
}

/// What ``ZeroPadding1D``, ``ZeroPadding2D`` and ``ZeroPadding3D`` share.
public class BaseZeroPadding: BaseBorderLayer, Callable {
  /// Images with the channels last, with zeros around them.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    return pad(x, [(0, 0)] + widths + [(0, 0)])
  }
}

/// What ``Cropping1D``, ``Cropping2D`` and ``Cropping3D`` share.
public class BaseCropping: BaseBorderLayer, Callable {
  /// Images with the channels last, without their borders.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == rank + 2 else {
      return wrongInput(x, expected: Window.expectation(rank: rank))
    }
    guard zip(x.shape.spatial, widths).allSatisfy({ $0 > $1.before + $1.after }) else {
      let borders = widths.map { "[\($0.before), \($0.after)]" }.joined(separator: ", ")
      return wrongInput(x, expected: "axes longer than the borders \(borders)")
    }
    return widths.enumerated().reduce(x) { x, border in
      let (axis, width) = (border.offset + 1, border.element)
      return slice(x, axis: axis, from: width.before, to: x.shape[axis] - width.after)
    }
  }
}
