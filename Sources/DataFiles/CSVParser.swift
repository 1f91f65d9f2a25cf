import Tensors

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
    try refuseUTF16()
    guard !atBlankEnd() else {
      throw failure(.expectation("rows of numbers", found: "an empty file"))
    }
    let start = (cursor, line)
    let first = try textRow()
    var table = CSVTable()
    table.columns = first.count
    var header = header
    if case .name(let name) = label, header == .automatic {
      // A column can be named only where there are names.
      if !first.contains(name) { _ = try index(of: .name(name), table, first) }
      header = .present
    }
    let guess = CSVHeaderGuess(first, label: labelPlace(label, first), next: try peekRow())
    switch (header, guess.decision) {
    case (.present, _), (.automatic, .header): table.names = first
    case (.automatic, .unclear(let column)):
      throw failure(
        .expectation("a number", found: "\(quoted(first[column]))"), line: start.1,
        column: column + 1,
        hint: "other cells of the line are numbers, so it was not taken for names of columns "
          + "(header: .present, --header yes, makes it one)")
    case (.absent, _), (.automatic, .data), (.automatic, .unlessLabelRecurs):
      (cursor, line) = start
    }
    if !table.names.isEmpty, atBlankEnd() {
      throw failure(
        .expectation("rows of numbers after the header", found: "the end of the file"), line: line)
    }
    let labelColumn = try label.map { (label) throws(EngineError) in
      try index(of: label, table, first)
    }
    table.labelColumn = labelColumn
    table.firstLine = line
    try rows(into: &table, labelColumn: labelColumn ?? -1)
    if header == .automatic {
      if case .unlessLabelRecurs = guess.decision, table.firstRowIsNoData {
        table.takeFirstRowForNames(first)
      }
      table.doubt = guess.doubt(table)
    }
    table.sortClasses()
    return table
  }

  // MARK: Named columns

  /// The names in the first line, and the rows below it.
  mutating func frame() throws(EngineError) -> (
    names: [String], rows: [(line: Int, cells: [String])]
  ) {
    try refuseUTF16()
    guard !atBlankEnd() else {
      throw failure(.expectation("the names of columns", found: "an empty file"))
    }
    let names = try textRow()
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      throw failure("a second column has the name \(quoted(name))", line: 1, column: index + 1)
    }
    var rows: [(line: Int, cells: [String])] = []
    while !atBlankEnd() {
      let start = line
      let cells = try textRow()
      guard cells.count == names.count else {
        throw failure(
          .expectation("\(names.count) cells as in line 1", found: "\(cells.count)"), line: start)
      }
      rows.append((start, cells))
    }
    return (names, rows)
  }

  private func refuseUTF16() throws(EngineError) {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw failure(.expectation("UTF-8", found: "UTF-16"), hint: "save the table as UTF-8")
    }
  }

  /// The cells of the line at the cursor, which stays; empty at the end of the file.
  private mutating func peekRow() throws(EngineError) -> [String] {
    guard !atBlankEnd() else { return [] }
    let start = (cursor, line)
    defer { (cursor, line) = start }
    return try textRow()
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
        if !isLabel {
          table.features.append(Float(try numberCell(column: column).value))
        } else if table.hasTextLabels {
          table.add(label: try textLabel(column: column))
        } else {
          table.add(label: try labelCell(column: column))
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
          .expectation(
            "\(table.columns) cells as in line \(table.names.isEmpty ? table.firstLine : 1)",
            found: "\(found)"), line: rowLine)
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
  }

  /// The numeric label at the cursor.
  private mutating func labelCell(column: Int) throws(EngineError) -> CSVTable.Label {
    let start = (cursor, line)
    let (value, isWhole) = try numberCell(column: column)
    guard isWhole else { return .number(value) }
    if abs(value) < 9e15 { return .whole(Int64(value)) }
    // Beyond 2^53 doubles leave out whole numbers, and labels must not become one another.
    let end = (cursor, line)
    (cursor, line) = start
    let text = try textCell(column: column)
    (cursor, line) = end
    return Int64(text).map { .whole($0) } ?? .tooLong(value, text: text, line: start.1)
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
    // What is not UTF-8 reads as this character: different names would become one.
    if text.unicodeScalars.contains("\u{FFFD}") {
      throw failure(
        "the name of the class, \(quoted(text)), is not UTF-8: save the table as UTF-8 (iconv -f LATIN1 -t UTF-8, for one)",
        line: start, column: column + 1)
    }
    if text.isEmpty || Self.number(text) != nil {
      let found = text.isEmpty ? "an empty cell" : "the number \(text)"
      throw failure(
        .expectation("the name of a class as in the first row", found: "\(found)"), line: start,
        column: column + 1)
    }
    return text
  }

  /// The column of the label as far as it is known without names; nil without one.
  private func labelPlace(_ label: CSV.Column?, _ first: [String]) -> Int? {
    switch label {
    case .first: 0
    case .last: first.count - 1
    case .index(let index): index < 0 ? index + first.count : index
    case .name(let name): first.firstIndex(of: name)
    case nil: nil
    }
  }

  private func index(
    of label: CSV.Column, _ table: CSVTable, _ first: [String]
  ) throws(EngineError) -> Int {
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
        let isHeader = !table.names.isEmpty || first.allSatisfy { Self.number($0) == nil }
        let found = first.joined(separator: ", ")
        throw failure(
          "no column \"\(name)\" for the label",
          hint: isHeader
            ? "the columns are \(found)" : "the file has no header: line 1 is \(quoted(found))")
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
      throw failure(.expectation("a number", found: "\(found)"), line: start.1, column: column + 1)
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
          "the quote that opens here is never closed", line: startLine, column: column + 1)
      }
      let byte = bytes[cursor]
      cursor += 1
      if byte == 0x22 {
        // Two quotes stand for one.
        guard cursor < bytes.count, bytes[cursor] == 0x22 else { break }
        cursor += 1
      } else if byte == 0x0A || byte == 0x0D && !(cursor < bytes.count && bytes[cursor] == 0x0A) {
        line += 1
      }
      content.append(byte)
    }
    skipBlanks()
    guard atCellEnd else {
      let start = cursor
      while !atCellEnd { cursor += 1 }
      throw failure(
        .expectation(
          "the end of the cell after its closing quote", found: "\(quoted(text(start..<cursor)))"),
        line: line, column: column + 1)
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

  /// Whether the cursor is at the end of the file, at LF, CRLF or CR.
  private var atRowEnd: Bool {
    cursor >= bytes.count || bytes[cursor] == 0x0A || bytes[cursor] == 0x0D
  }

  private var atCellEnd: Bool {
    cursor >= bytes.count || bytes[cursor] == delimiter || atRowEnd
  }

  private mutating func skipLineEnd() {
    let start = cursor
    if cursor < bytes.count, bytes[cursor] == 0x0D { cursor += 1 }
    if cursor < bytes.count, bytes[cursor] == 0x0A { cursor += 1 }
    if cursor > start { line += 1 }
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

  private func failure(
    _ problem: EngineError.Problem, line: Int? = nil, column: Int? = nil, hint: ErrorText? = nil
  ) -> EngineError {
    .file(.init(path, line: line, column: column.map { .number($0) }), problem, hint: hint)
  }
}
