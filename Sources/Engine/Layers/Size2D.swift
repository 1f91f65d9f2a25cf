/// Rows and columns: `3` for three of both, `[3, 2]` for three rows and two columns.
public struct Size2D: Hashable, Sendable, Codable {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int

  /// So many rows and columns.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// Rows and columns, as operations take them.
  var pair: (Int, Int) { (rows, columns) }
}

extension Size2D: ExpressibleByIntegerLiteral {
  /// As many rows as columns.
  public init(integerLiteral value: Int) { self.init(rows: value, columns: value) }
}

extension Size2D: ExpressibleByArrayLiteral {
  /// Rows and columns.
  ///
  /// - Precondition: two numbers.
  public init(arrayLiteral elements: Int...) {
    precondition(
      elements.count == 2, "Size2D: [rows, columns] are two numbers, got \(elements)")
    self.init(rows: elements[0], columns: elements[1])
  }
}

extension Size2D: CustomStringConvertible {
  /// `[3, 2]`
  public var description: String { "[\(rows), \(columns)]" }
}
