import Logging
import Tensors

/// Tables of numbers as comma-separated text (RFC 4180), plain or gzip.
///
/// Fields may be quoted, lines end in LF, CRLF or CR, blank lines at the end do not count. Every cell
/// below the header must be a number, except that labels may be names of classes; numbers are read in
/// double precision and kept as float32.
public enum CSV {
  /// Which column holds the label.
  public enum Column: Sendable, Hashable {
    /// The leftmost column of each line.
    case first
    /// The rightmost column of each line.
    case last
    /// A column by position: 0 is the first, -1 the last.
    case index(Int)
    /// A column by its name in the header.
    case name(String)
  }

  /// Whether the first line names the columns.
  public enum Header: Sendable, Hashable {
    /// It does when none of its cells is a number, and when its label cannot be one: a name over numbers, 0, 1, 2, ...
    /// over names, a name that no other row has, beside whole numbers like those that a data frame without names writes
    /// (`0,1,species`). What was taken for what is in ``CSV/Examples``; a doubtful case is logged as a warning.
    case automatic
    /// It does, whatever is in it.
    case present
    /// It does not: it is data.
    case absent
  }

  /// Features and labels of a table.
  public struct Examples: Sendable {
    /// float32 `[rows, columns - 1]`.
    public let features: Tensor
    /// `[rows]`: int32 when all labels are whole numbers that fit or names, int64 when they need that, else float32.
    public let labels: Tensor
    /// The names of the classes 0, 1, ... in ascending order when labels are names; empty for numbers.
    public let classNames: [String]
    /// The names of all columns, that of the label included; empty when the first line was taken for data.
    public let columnNames: [String]
    /// The column of the label, from 0.
    public let labelColumn: Int
    /// Why the first line could also have been taken the other way; nil when there is no doubt.
    public let doubt: String?
  }

  /// Reads a table with a label in one column, which may be names: those of the first row decide.
  ///
  /// Arguments are those of ``read(_:label:header:delimiter:)``, which says what is thrown.
  public static func readExamples(
    _ path: String, label: Column = .last, header: Header = .automatic,
    delimiter: Character = ","
  ) throws(EngineError) -> Examples {
    let table = try parse(path, label: label, header: header, delimiter: delimiter)
    let rows = table.rows
    guard table.columns > 1 else {
      throw .file(
        .init(path, line: table.firstLine),
        .expectation("a label and at least one feature in each row", found: "one column"),
        hint: "is \"\(delimiter)\" the delimiter?")
    }
    return Examples(
      features: Tensor(table.features, shape: [rows, table.columns - 1]),
      labels: try table.labelTensor(path), classNames: table.classNames,
      columnNames: table.names, labelColumn: table.labelColumn ?? 0, doubt: table.doubt)
  }

  /// Reads a table with a label in one column.
  ///
  /// - Parameters:
  ///   - path: the file; gzip is told by its first bytes, not by its name.
  ///   - label: the column of the label; the others are features.
  ///   - header: whether the first line names the columns.
  ///   - delimiter: the character between cells: one ASCII character that no number contains.
  /// - Returns: features float32 `[rows, columns - 1]`, and labels `[rows]`: int32 (or int64 where they need it) when all
  ///   are written as whole numbers, int32 for names (numbered in ascending order), else float32.
  /// - Throws: `EngineError.file` with the line, the column (from 1) and the text that was found:
  ///   a cell that is not a number, a row of another length, an empty file, no such column.
  public static func read(
    _ path: String, label: Column = .last, header: Header = .automatic,
    delimiter: Character = ","
  ) throws(EngineError) -> (features: Tensor, labels: Tensor) {
    let examples = try readExamples(path, label: label, header: header, delimiter: delimiter)
    warn(path, examples.doubt)
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
    warn(path, table.doubt)
    return (table.names, Tensor(table.features, shape: [rows, table.columns]))
  }

  /// Reads a table whose first line names the columns, each of which holds numbers or strings, and whose cells may be missing.
  ///
  /// - Throws: `EngineError.file` with the line: a row of another length, two columns of one name, an empty file.
  public static func readFrame(
    _ path: String, delimiter: Character = ","
  ) throws(EngineError) -> DataFrame {
    let (names, rows) = try parse(path, delimiter) { (parser) throws(EngineError) in
      try parser.frame()
    }
    return DataFrame(path: path, columnNames: names, rows: rows)
  }

  private static func warn(_ path: String, _ doubt: String?) {
    if let doubt { logger.warning("\(path): \(doubt); header: .present or .absent says which") }
  }

  private static let logger = Logger(label: "apus.csv")

  private static func parse(
    _ path: String, label: Column?, header: Header, delimiter: Character
  ) throws(EngineError) -> CSVTable {
    try parse(path, delimiter) { (parser) throws(EngineError) in
      try parser.table(label: label, header: header)
    }
  }

  private static func parse<Content>(
    _ path: String, _ delimiter: Character,
    _ read: (inout CSVParser) throws(EngineError) -> Content
  ) throws(EngineError) -> Content {
    guard let byte = delimiter.asciiValue, !"0123456789+-.eE\"\r\n".utf8.contains(byte) else {
      throw .invalidArgument(
        message: "CSV: the delimiter must be one ASCII character that is no part of a number, a "
          + "quote or a line end; it is \"\(delimiter)\"")
    }
    let bytes = try ByteReader(path: path).readAll()
    return try bytes.withBytes { bytes throws(EngineError) in
      var parser = CSVParser(bytes, path: path, delimiter: byte)
      return try read(&parser)
    }
  }
}
