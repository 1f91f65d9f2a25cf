import Tensors

/// Elements before the first and behind the last one of each spatial axis: `1` for one on all sides, `[1, 2]` for
/// one above and below and two at the left and right, `[[1, 0], [0, 2]]` for one above and two at the right.
public struct SpatialBorder: Hashable, Sendable, Codable {
  /// Pairs of numbers, before and behind: one for every axis, or one an axis.
  public let widths: [[Int]]

  /// A pair for each axis, before and behind; one alone is for all.
  public init(_ widths: [[Int]]) { self.widths = widths }

  /// The pairs of `rank` axes; nil when there are others than one or `rank` of them, or no pairs of at least 0.
  func along(_ rank: Int) -> [(before: Int, after: Int)]? {
    guard widths.count == 1 || widths.count == rank,
      widths.allSatisfy({ $0.count == 2 && $0.allSatisfy { $0 >= 0 } })
    else { return nil }
    return (0..<rank).map { axis in
      let pair = widths[widths.count == 1 ? 0 : axis]
      return (pair[0], pair[1])
    }
  }
}

extension SpatialBorder: ExpressibleByIntegerLiteral {
  /// As many on all sides.
  public init(integerLiteral value: Int) { self.init([[value, value]]) }
}

extension SpatialBorder: ExpressibleByArrayLiteral {
  /// One element of an array literal: a number for both sides of an axis, or a pair.
  public struct Width: ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    let pair: [Int]
    /// As many on both sides.
    public init(integerLiteral value: Int) { pair = [value, value] }
    /// Two numbers: elements before and behind.
    public init(arrayLiteral elements: Int...) { pair = elements }
  }

  /// A number or a pair for each axis.
  public init(arrayLiteral elements: Width...) { self.init(elements.map(\.pair)) }
}

extension SpatialBorder: CustomStringConvertible {
  /// `[[1, 0], [0, 2]]`
  public var description: String { "\(widths)" }
}

/// What layers that put images into a frame or take them out of one share.
public class BaseBorderLayer: BaseSpatialLayer {
  /// Pairs of numbers of elements, before and behind, of each spatial axis.
  let widths: [(before: Int, after: Int)]

  init(_ border: SpatialBorder, argument: String, name: String?) {
    widths = border.along(Self.rank) ?? []
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
  /// A layer that adds as many zeros before and behind each axis as `padding` says; 1 by default.
  ///
  /// `2` for all sides, `[1, 2]` for rows and columns, `[[1, 0], [0, 2]]` for above, below, left and right.
  public init(_ padding: SpatialBorder = 1, name: String? = nil) {
    super.init(padding, argument: "padding", name: name)
  }

  /// `[batch, spatial axes..., channels]`, with zeros around each sample.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x) { pad($0, [(0, 0)] + widths + [(0, 0)]) }
  }
}

/// What ``Cropping1D``, ``Cropping2D`` and ``Cropping3D`` share.
public class BaseCropping: BaseBorderLayer, Callable {
  init(border: SpatialBorder, name: String?) {
    super.init(border, argument: "cropping", name: name)
  }

  /// `[batch, spatial axes..., channels]`, without the border of each sample; an axis that is no longer than its borders is
  /// an error.
  public func call(_ x: Tensor) -> Tensor {
    ofImages(x, cropped)
  }

  private func cropped(_ x: Tensor) -> Tensor {
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

/// Zeros around sequences: `[batch, steps, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding1D`.
public final class ZeroPadding1D: BaseZeroPadding {
  override class var rank: Int { 1 }
}

/// Zeros around images: `[batch, height, width, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding2D`.
public final class ZeroPadding2D: BaseZeroPadding {
  override class var rank: Int { 2 }
}

/// Zeros around volumes: `[batch, depth, height, width, channels]` with longer axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.ZeroPadding3D`.
public final class ZeroPadding3D: BaseZeroPadding {
  override class var rank: Int { 3 }
}

/// Sequences without their borders: `[batch, steps, channels]` with shorter axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.Cropping1D`.
public final class Cropping1D: BaseCropping {
  /// Cuts off elements before the first and behind the last step: `2` or `[[1, 2]]`.
  public init(_ cropping: SpatialBorder = 1, name: String? = nil) {
    super.init(border: cropping, name: name)
  }

  override class var rank: Int { 1 }
}

/// Images without their borders: `[batch, height, width, channels]` with shorter axes between batch and channels.
///
/// - SeeAlso: Keras, `layers.Cropping2D`.
public final class Cropping2D: BaseCropping {
  /// Cuts off elements above, below, at the left and at the right: `2`, `[1, 2]` for rows and columns, or `[[1,
  /// 0], [0, 2]]`.
  public init(_ cropping: SpatialBorder = 0, name: String? = nil) {
    super.init(border: cropping, name: name)
  }

  override class var rank: Int { 2 }
}

/// Volumes without their borders: `[batch, depth, height, width, channels]` with shorter axes between batch and
/// channels.
///
/// - SeeAlso: Keras, `layers.Cropping3D`.
public final class Cropping3D: BaseCropping {
  /// Cuts off elements before and behind, above, below, at the left and at the right: `2`, `[1, 2, 0]` for slices,
  /// rows and columns, or pairs of before and behind.
  public init(_ cropping: SpatialBorder = 1, name: String? = nil) {
    super.init(border: cropping, name: name)
  }

  override class var rank: Int { 3 }
}
