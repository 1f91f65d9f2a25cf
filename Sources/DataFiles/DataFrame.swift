import Tensors

/// A table whose columns have names and are of different kinds: numbers, strings, missing cells.
///
/// ```swift
/// let table = try CSV.readFrame("houses.csv")
/// let features = try table.numbers(["area", "rooms"])       // float32 [rows, 2], NaN where a cell is missing
/// let city = try table.categories("city")                   // 0, 1, ... and their names
/// ```
public struct DataFrame: Sendable {
  /// A column of strings as numbers.
  public struct Categories: Sendable, Hashable {
    /// int32 `[rows]`: positions in ``names``.
    public let indices: Tensor
    /// The strings, each once.
    public let names: [String]

    /// Whether rows and names are the same.
    public static func == (a: Self, b: Self) -> Bool {
      a.names == b.names && a.indices.scalars(as: Int.self) == b.indices.scalars(as: Int.self)
    }

    /// Hashes the names, in order.
    public func hash(into hasher: inout Hasher) { hasher.combine(names) }
  }

  /// The file, for messages.
  private let path: String
  /// The names of the columns, from left to right.
  public let columnNames: [String]
  /// The cells of each row, and the line that it begins on.
  private let rows: [(line: Int, cells: [String])]

  init(path: String, columnNames: [String], rows: [(line: Int, cells: [String])]) {
    self.path = path
    self.columnNames = columnNames
    self.rows = rows
  }

  /// How many rows there are below the header.
  public var rowCount: Int { rows.count }

  /// Whether a cell stands for a missing value: empty, or one of the words that pandas takes for one.
  public static func isMissing(_ cell: String) -> Bool { missingWords.contains(cell) }

  private static let missingWords: Set<String> = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
  ]

  /// The cells of a column as they are, without quotes and the blanks around them.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` when there is no such column.
  public func text(_ column: String) throws(EngineError) -> [String] {
    let index = try self.index(of: column)
    return rows.map { $0.cells[index] }
  }

  /// A column of numbers: float32 `[rows]`, NaN where a cell is missing.
  ///
  /// - Throws: ``EngineError/file(path:message:)`` for a cell that is no number, with its line, and when there is no such
  ///   column.
  public func numbers(_ column: String) throws(EngineError) -> Tensor {
    Tensor(try floats(column))
  }

  /// Columns of numbers side by side: float32 `[rows, columns]`, NaN where a cell is missing.
  ///
  /// - Throws: as ``numbers(_:)-(String)`` does.
  public func numbers(_ columns: [String]) throws(EngineError) -> Tensor {
    var values = [Float](repeating: 0, count: rowCount * columns.count)
    for (place, column) in columns.enumerated() {
      for (row, value) in try floats(column).enumerated() {
        values[row * columns.count + place] = value
      }
    }
    return Tensor(values, shape: [rowCount, columns.count])
  }

  private func floats(_ column: String) throws(EngineError) -> [Float] {
    let index = try self.index(of: column)
    var values: [Float] = []
    values.reserveCapacity(rowCount)
    for row in rows {
      let cell = row.cells[index]
      if let number = CSVParser.number(cell) {
        values.append(Float(number))
      } else if Self.isMissing(cell) {
        values.append(.nan)
      } else {
        throw failure(
          row.line, column, .expectation("a number or a missing value", found: "\"\(cell)\""))
      }
    }
    return values
  }

  /// A column of strings as numbers.
  ///
  /// - Parameters:
  ///   - column: the name of the column.
  ///   - names: the strings that there are, in order: those of the data trained on, so that other data get the same numbers.
  ///     Those of the column in ascending order when nil.
  ///   - missing: the name that a missing cell gets; it is an error when nil.
  /// - Returns: the number of each row's string, and the strings by number.
  /// - Throws: ``EngineError/file(path:message:)`` for a string that is not among `names` and a missing cell without a name,
  ///   with its line, and when there is no such column.
  public func categories(
    _ column: String, names: [String]? = nil, missing: String? = nil
  ) throws(EngineError) -> Categories {
    let index = try self.index(of: column)
    var cells: [String] = []
    for row in rows {
      let cell = row.cells[index]
      guard !Self.isMissing(cell) else {
        guard let missing else {
          throw failure(
            row.line, column, "the cell is missing: missing: \"unknown\" gives it a name")
        }
        cells.append(missing)
        continue
      }
      cells.append(cell)
    }
    let all = names ?? Set(cells).sorted()
    let places = Dictionary(zip(all, Int32(0)...), uniquingKeysWith: { first, _ in first })
    var indices: [Int32] = []
    for (row, cell) in zip(rows, cells) {
      guard let place = places[cell] else {
        throw failure(
          row.line, column, "\"\(cell)\" is not among the names \(all.joined(separator: ", "))")
      }
      indices.append(place)
    }
    return Categories(indices: Tensor(indices), names: all)
  }

  private func index(of column: String) throws(EngineError) -> Int {
    if let index = columnNames.firstIndex(of: column) { return index }
    throw .file(.init(path), .name(column, kind: "column", holder: nil, known: columnNames))
  }

  private func failure(
    _ line: Int, _ column: String, _ problem: EngineError.Problem
  ) -> EngineError {
    .file(.init(path, line: line, column: .name(column)), problem)
  }
}
