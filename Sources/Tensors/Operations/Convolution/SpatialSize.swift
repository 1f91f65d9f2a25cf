/// Lengths along the spatial axes of images: `3` for three along each, `[3, 2]` for three rows and two columns.
public struct SpatialSize: Hashable, Sendable, Codable {
  /// One length for every axis, or one an axis.
  public let lengths: [Int]

  /// The same length along every axis.
  public init(_ length: Int) { lengths = [length] }

  /// A length for each axis; one alone is for all.
  public init(_ lengths: [Int]) { self.lengths = lengths }

  /// The lengths along `rank` axes; nil when there are others than one or `rank` of them.
  package func along(_ rank: Int) -> [Int]? {
    if lengths.count == 1 { return Array(repeating: lengths[0], count: rank) }
    return lengths.count == rank ? lengths : nil
  }

  /// The lengths along `rank` axes.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` when there are others than one or `rank` of them.
  func along(
    _ rank: Int, _ argument: String, _ operation: String
  ) throws(EngineError) -> [Int] {
    guard let result = along(rank) else {
      throw .argument(
        "\(argument)", of: operation, must: "be one number or \(rank)", found: "\(lengths)")
    }
    return result
  }
}

extension SpatialSize: ExpressibleByIntegerLiteral {
  /// The same length along every axis.
  public init(integerLiteral value: Int) { self.init(value) }
}

extension SpatialSize: ExpressibleByArrayLiteral {
  /// A length for each axis.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension SpatialSize: CustomStringConvertible {
  /// `3` or `[3, 2]`
  public var description: String { lengths.count == 1 ? "\(lengths[0])" : "\(lengths)" }
}
