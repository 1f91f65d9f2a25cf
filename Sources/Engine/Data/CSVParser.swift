/// One pass over the bytes of a table.
///
/// Cells that look like plain decimal numbers are read in place (`plainNumber`); everything else,
/// such as quotes, names, `nan` and very long numbers, takes the slow path through a `String`.
struct CSVParser {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private let delimiter: UInt8
  private var cursor = 0
  private var line = 1

  init(_ bytes: UnsafeRawBufferPointer, path: String, delimiter: UInt8) {
    self.bytes = bytes
    self.path = path
    self.delimiter = delimiter
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { cursor = 3 }  // the mark that Excel writes
  }

  // MARK: Table

  mutating func table(label: CSV.Column?, header: CSV.Header) throws(EngineError) -> CSVTable {
    guard !atBlankEnd() else { throw failure("expected rows of numbers, found an empty file") }
    let start = (cursor, line)
    let first = try textRow()
    let numeric = first.map { Self.number($0) != nil }
    var table = CSVTable()
    table.columns = first.count
    if header == .present || header == .automatic && !numeric.contains(true) {
      table.names = first
      guard !atBlankEnd() else {
        throw failure(
          "line \(line): expected rows of numbers after the header, found the end of the file")
      }
    } else {
      let wrong = numeric.indices.first { !numeric[$0] && !isLabel($0, label, of: first.count) }
      if header == .automatic, let column = wrong {
        throw failure(
          "line \(start.1), column \(column + 1): expected a number, found \(quoted(first[column]));"
            + " other cells of the line are numbers, so it was not taken for a header "
            + "(header: .present makes it one)")
      }
      (cursor, line) = start
    }
    let labelColumn = try label.map { (label) throws(EngineError) in try index(of: label, table) }
    table.firstLine = line
    try rows(into: &table, labelColumn: labelColumn ?? -1)
    return table
  }

  private mutating func rows(into table: inout CSVTable, labelColumn: Int) throws(EngineError) {
    let rowStart = cursor
    var isFirst = true
    while !atBlankEnd() {
      let rowLine = line
      var column = 0
      var hasMore = false
      while true {
        let isLabel = column == labelColumn
        if isLabel, isFirst { table.hasTextLabels = try labelIsText(column: column) }
        let (value, isWhole) =
          try isLabel && table.hasTextLabels
          ? (Double(table.number(of: textLabel(column: column))), true) : numberCell(column: column)
        if isLabel {
          table.labels.append(value)
          table.labelsAreWhole = table.labelsAreWhole && isWhole && Int32(exactly: value) != nil
        } else {
          table.features.append(Float(value))
        }
        column += 1
        guard cursor < bytes.count, bytes[cursor] == delimiter else { break }
        hasMore = column == table.columns
        if hasMore { break }
        cursor += 1
      }
      if hasMore || column < table.columns {
        let found = hasMore ? "more" : "\(column)"
        throw failure(
          "line \(rowLine): expected \(table.columns) cells as in line "
            + "\(table.names.isEmpty ? table.firstLine : 1), found \(found)")
      }
      skipLineEnd()
      if isFirst {
        // The first row's length tells about how many will follow.
        let rows = (bytes.count - rowStart) / max(cursor - rowStart, 1) + 1
        table.features.reserveCapacity(rows * (table.columns - (labelColumn < 0 ? 0 : 1)))
        if labelColumn >= 0 { table.labels.reserveCapacity(rows) }
        isFirst = false
      }
    }
    table.sortClasses()
  }

  /// Whether the label of the first row, at the cursor, is a name and not a number: then all are.
  private mutating func labelIsText(column: Int) throws(EngineError) -> Bool {
    let start = (cursor, line)
    defer { (cursor, line) = start }
    let text = try textCell(column: column)
    return !text.isEmpty && Self.number(text) == nil
  }

  private mutating func textLabel(column: Int) throws(EngineError) -> String {
    let start = line
    let text = try textCell(column: column)
    if text.isEmpty || Self.number(text) != nil {
      let found = text.isEmpty ? "an empty cell" : "the number \(text)"
      throw failure(
        "line \(start), column \(column + 1): expected the name of a class as in the first row, found "
          + found)
    }
    return text
  }

  /// Whether `column` holds the label in a file without a header.
  private func isLabel(_ column: Int, _ label: CSV.Column?, of columns: Int) -> Bool {
    switch label {
    case .first: column == 0
    case .last: column == columns - 1
    case .index(let index): column == (index < 0 ? index + columns : index)
    case .name, nil: false
    }
  }

  private func index(of label: CSV.Column, _ table: CSVTable) throws(EngineError) -> Int {
    switch label {
    case .first: return 0
    case .last: return table.columns - 1
    case .index(let index):
      guard index >= -table.columns, index < table.columns else {
        throw failure("no column \(index) for the label: there are \(table.columns)")
      }
      return index < 0 ? index + table.columns : index
    case .name(let name):
      guard let index = table.names.firstIndex(of: name) else {
        let known =
          table.names.isEmpty
          ? "the file has no header" : "the columns are \(table.names.joined(separator: ", "))"
        throw failure("no column \"\(name)\" for the label: \(known)")
      }
      return index
    }
  }

  // MARK: Cells

  /// The number at the cursor, which is left at the delimiter, line end or end after it.
  private mutating func numberCell(
    column: Int
  ) throws(EngineError) -> (value: Double, isWhole: Bool) {
    let start = (cursor, line)
    if let plain = plainNumber(), atCellEnd { return plain }
    (cursor, line) = start
    let text = try textCell(column: column)
    guard let value = Self.number(text) else {
      let found = text.isEmpty ? "an empty cell" : quoted(text)
      throw failure("line \(start.1), column \(column + 1): expected a number, found \(found)")
    }
    return (value, text.utf8.allSatisfy { Self.isDigit($0) || $0 == 0x2D || $0 == 0x2B })
  }

  /// Powers of ten that a double holds exactly.
  private static let powersOfTen: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1.0) { power, _ in power * 10 }
  }

  /// A decimal number of at most 19 digits whose value one multiplication or division gives exactly
  /// rounded (Clinger, *How to read floating point numbers accurately*, 1990, fast path); nil for
  /// anything else, with the cursor anywhere.
  private mutating func plainNumber() -> (value: Double, isWhole: Bool)? {
    skipBlanks()
    let end = bytes.count
    var position = cursor
    var negative = false
    if position < end, bytes[position] == 0x2D || bytes[position] == 0x2B {
      negative = bytes[position] == 0x2D
      position += 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    let first = position
    while position < end, Self.isDigit(bytes[position]) {
      mantissa = mantissa &* 10 &+ UInt64(bytes[position] &- 0x30)
      position += 1
    }
    digits = position - first
    var exponent = 0
    var isWhole = true
    if position < end, bytes[position] == 0x2E {
      isWhole = false
      position += 1
      let fraction = position
      while position < end, Self.isDigit(bytes[position]) {
        mantissa = mantissa &* 10 &+ UInt64(bytes[position] &- 0x30)
        position += 1
      }
      exponent = fraction - position
      digits += position - fraction
    }
    guard digits > 0, digits <= 19 else { return nil }
    if position < end, bytes[position] | 0x20 == 0x65 {
      isWhole = false
      position += 1
      var minus = false
      if position < end, bytes[position] == 0x2D || bytes[position] == 0x2B {
        minus = bytes[position] == 0x2D
        position += 1
      }
      let start = position
      var power = 0
      while position < end, Self.isDigit(bytes[position]), position - start < 5 {
        power = power * 10 + Int(bytes[position] &- 0x30)
        position += 1
      }
      guard position > start else { return nil }
      exponent += minus ? -power : power
    }
    guard exponent >= -22, exponent <= 22, mantissa <= 1 << 53 else { return nil }
    cursor = position
    skipBlanks()
    let magnitude =
      exponent < 0
      ? Double(mantissa) / Self.powersOfTen[-exponent]
      : Double(mantissa) * Self.powersOfTen[exponent]
    return (negative ? -magnitude : magnitude, isWhole)
  }

  /// The number that `text` is: decimal, `nan`, `inf` or `infinity`; nil for anything else.
  static func number(_ text: String) -> Double? {
    guard let first = text.utf8.first else { return nil }
    let isDecimal = text.utf8.allSatisfy { byte in
      isDigit(byte) || byte == 0x2E || byte == 0x2D || byte == 0x2B || byte | 0x20 == 0x65
    }
    if isDecimal { return Double(text) }
    let name = (first == 0x2D || first == 0x2B ? String(text.dropFirst()) : text).lowercased()
    let sign: Double = first == 0x2D ? -1 : 1
    switch name {
    case "nan": return .nan
    case "inf", "infinity": return sign * .infinity
    default: return nil
    }
  }

  /// The text at the cursor, without quotes and the blanks around it.
  private mutating func textCell(column: Int) throws(EngineError) -> String {
    skipBlanks()
    guard cursor < bytes.count, bytes[cursor] == 0x22 else {
      let start = cursor
      while !atCellEnd { cursor += 1 }
      var end = cursor
      while end > start, isBlank(bytes[end - 1]) { end -= 1 }
      return text(start..<end)
    }
    let startLine = line
    var content: [UInt8] = []
    cursor += 1
    while true {
      guard cursor < bytes.count else {
        throw failure(
          "line \(startLine), column \(column + 1): the quote that opens here is never closed")
      }
      let byte = bytes[cursor]
      cursor += 1
      if byte == 0x22 {
        // Two quotes stand for one.
        guard cursor < bytes.count, bytes[cursor] == 0x22 else { break }
        cursor += 1
      } else if byte == 0x0A {
        line += 1
      }
      content.append(byte)
    }
    skipBlanks()
    guard atCellEnd else {
      let start = cursor
      while !atCellEnd { cursor += 1 }
      throw failure(
        "line \(line), column \(column + 1): expected the end of the cell after its closing quote, "
          + "found \(quoted(text(start..<cursor)))")
    }
    // Numbers may have blanks inside their quotes too.
    while let last = content.last, isBlank(last) { content.removeLast() }
    return String(decoding: content.drop(while: isBlank), as: UTF8.self)
  }

  private mutating func textRow() throws(EngineError) -> [String] {
    var cells: [String] = []
    while true {
      cells.append(try textCell(column: cells.count))
      guard cursor < bytes.count, bytes[cursor] == delimiter else { break }
      cursor += 1
    }
    skipLineEnd()
    return cells
  }

  // MARK: Characters

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  private func isBlank(_ byte: UInt8) -> Bool {
    (byte == 0x20 || byte == 0x09) && byte != delimiter
  }

  private mutating func skipBlanks() {
    while cursor < bytes.count, isBlank(bytes[cursor]) { cursor += 1 }
  }

  /// Whether the cursor is at the end of the file, at LF or at CRLF.
  private var atRowEnd: Bool {
    guard cursor < bytes.count else { return true }
    let byte = bytes[cursor]
    if byte == 0x0A { return true }
    return byte == 0x0D && (cursor + 1 == bytes.count || bytes[cursor + 1] == 0x0A)
  }

  private var atCellEnd: Bool {
    cursor >= bytes.count || bytes[cursor] == delimiter || atRowEnd
  }

  private mutating func skipLineEnd() {
    if cursor < bytes.count, bytes[cursor] == 0x0D { cursor += 1 }
    if cursor < bytes.count, bytes[cursor] == 0x0A {
      cursor += 1
      line += 1
    }
  }

  /// Whether only blank lines follow.
  private func atBlankEnd() -> Bool {
    var position = cursor
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x0A || byte == 0x0D || isBlank(byte) else { return false }
      position += 1
    }
    return true
  }

  // MARK: Messages

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private func quoted(_ text: String) -> String {
    text.count > 40 ? "\"\(text.prefix(40))...\"" : "\"\(text)\""
  }

  private func failure(_ message: String) -> EngineError { .file(path: path, message: message) }
}
