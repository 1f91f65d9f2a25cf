/// Tables of numbers as comma-separated text (RFC 4180), plain or gzip.
///
/// Fields may be quoted, lines end in LF or CRLF, blank lines at the end do not count. Every cell
/// below the header must be a number, except that labels may be names of classes; numbers are read in
/// double precision and kept as float32.
public enum CSV {
  /// Which column holds the label.
  public enum Column: Sendable, Hashable {
    /// The leftmost column.
    case first
    /// The rightmost column.
    case last
    /// A column by position: 0 is the first, -1 the last.
    case index(Int)
    /// A column by its name in the header.
    case name(String)
  }

  /// Whether the first line names the columns.
  public enum Header: Sendable, Hashable {
    /// It does when none of its cells is a number.
    case automatic
    /// It does.
    case present
    /// It does not: it is data.
    case absent
  }

  /// Features and labels of a table.
  public struct Examples: Sendable {
    /// float32 `[rows, columns - 1]`.
    public let features: Tensor
    /// `[rows]`: int32 when all labels are whole numbers that fit or names, else float32.
    public let labels: Tensor
    /// The names of the classes 0, 1, ... in ascending order when labels are names; empty for numbers.
    public let classNames: [String]
  }

  /// Reads a table with a label in one column, which may be names: those of the first row decide.
  ///
  /// Arguments and errors are those of ``read(_:label:header:delimiter:)``.
  public static func readExamples(
    _ path: String, label: Column = .last, header: Header = .automatic,
    delimiter: Character = ","
  ) throws(EngineError) -> Examples {
    let table = try parse(path, label: label, header: header, delimiter: delimiter)
    let rows = table.labels.count
    guard table.columns > 1 else {
      throw .file(
        path: path,
        message: "line \(table.firstLine): expected a label and at least one feature in each row, "
          + "found one column; is \"\(delimiter)\" the delimiter?")
    }
    let labels =
      table.labelsAreWhole
      ? Tensor(table.labels.map { Int32($0) }) : Tensor(table.labels.map { Float($0) })
    return Examples(
      features: Tensor(table.features, shape: [rows, table.columns - 1]), labels: labels,
      classNames: table.classNames)
  }

  /// Reads a table with a label in one column.
  ///
  /// - Parameters:
  ///   - path: the file; gzip is told by its first bytes, not by its name.
  ///   - label: the column of the label; the others are features.
  ///   - header: whether the first line names the columns.
  ///   - delimiter: the character between cells: one ASCII character that no number contains.
  /// - Returns: features float32 `[rows, columns - 1]`, and labels `[rows]`: int32 when all are
  ///   written as whole numbers that fit, or are names (numbered in ascending order), else float32.
  /// - Throws: `EngineError.file` with the line, the column (from 1) and the text that was found:
  ///   a cell that is not a number, a row of another length, an empty file, no such column.
  public static func read(
    _ path: String, label: Column = .last, header: Header = .automatic,
    delimiter: Character = ","
  ) throws(EngineError) -> (features: Tensor, labels: Tensor) {
    let examples = try readExamples(path, label: label, header: header, delimiter: delimiter)
    return (examples.features, examples.labels)
  }

  /// Reads a table without a label.
  ///
  /// - Returns: the names of the columns (empty without a header), and float32 `[rows, columns]`.
  /// - Throws: `EngineError.file` as ``read(_:label:header:delimiter:)`` does.
  public static func readMatrix(
    _ path: String, header: Header = .automatic, delimiter: Character = ","
  ) throws(EngineError) -> (names: [String], values: Tensor) {
    let table = try parse(path, label: nil, header: header, delimiter: delimiter)
    let rows = table.features.count / table.columns
    return (table.names, Tensor(table.features, shape: [rows, table.columns]))
  }

  private static func parse(
    _ path: String, label: Column?, header: Header, delimiter: Character
  ) throws(EngineError) -> CSVTable {
    guard let byte = delimiter.asciiValue, !"0123456789+-.eE\"\r\n".utf8.contains(byte) else {
      throw .invalidArgument(
        message: "CSV: the delimiter must be one ASCII character that is no part of a number, a "
          + "quote or a line end; it is \"\(delimiter)\"")
    }
    let bytes = try ByteReader(path: path).readAll()
    return try bytes.withBytes { bytes throws(EngineError) in
      var parser = CSVParser(bytes, path: path, delimiter: byte)
      return try parser.table(label: label, header: header)
    }
  }
}

/// The numbers of a table, row after row.
struct CSVTable {
  var names: [String] = []
  var columns = 0
  /// The line of the first row of data, from 1.
  var firstLine = 1
  var features: [Float] = []
  var labels: [Double] = []
  /// Whether every label is written as a whole number and fits int32.
  var labelsAreWhole = true
  /// Whether labels are names; `labels` are then positions in `classNames`.
  var hasTextLabels = false
  private(set) var classNames: [String] = []
  private var classNumbers: [String: Int] = [:]

  /// The position of a class, which is new when it was not met before.
  mutating func number(of name: String) -> Int {
    if let known = classNumbers[name] { return known }
    classNumbers[name] = classNames.count
    classNames.append(name)
    return classNames.count - 1
  }

  /// Numbers classes in ascending order of their names, whatever the order of the rows.
  mutating func sortClasses() {
    guard hasTextLabels else { return }
    let sorted = classNames.sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(sorted, 0...))
    let renumbered = classNames.map { Double(places[$0, default: 0]) }
    labels = labels.map { renumbered[Int($0)] }
    classNames = sorted
  }
}
