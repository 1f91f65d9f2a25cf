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
