/// Rows of text in columns that are as wide as their text.
package struct TextTable {
  /// What stands around and between the rows.
  package enum Style: Sendable {
    /// Nothing; lines are indented.
    case plain
    /// A line below the header, and one at the end.
    case ruled
    /// A frame, and lines between rows and columns.
    case framed
  }

  private let header: [String]
  private let style: Style
  private let alignedRight: Range<Int>
  private var rows: [[[String]]] = []

  /// A table without rows. The text of the columns `alignedRight`, by default of all but the first, stands at the right.
  package init(_ header: [String], style: Style = .plain, alignedRight: Range<Int>? = nil) {
    self.header = header
    self.style = style
    self.alignedRight = alignedRight ?? min(1, header.count)..<header.count
  }

  /// Adds a row of one cell for each column.
  package mutating func add(_ cells: [String]) { rows.append(cells.map { [$0] }) }

  /// Adds a row: the lines of each cell.
  package mutating func add(lines cells: [[String]]) { rows.append(cells) }

  /// The table, without a newline at its end.
  package var text: String {
    let body = rows.map { cells in
      (0..<cells.reduce(1) { max($0, $1.count) }).map { index in
        line(cells.map { index < $0.count ? $0[index] : "" })
      }
    }
    switch style {
    case .plain: return ([line(header)] + body.joined()).joined(separator: "\n")
    case .ruled:
      let rule = String(repeating: "─", count: widths.reduce(2 * (widths.count - 1), +))
      return ([line(header), rule] + body.joined() + [rule]).joined(separator: "\n")
    case .framed:
      let separator = [rule("├", "┼", "┤", "─")]
      return
        ([rule("┏", "┳", "┓", "━"), line(header, "┃"), rule("┡", "╇", "┩", "━")]
        + body.joined(separator: separator) + [rule("└", "┴", "┘", "─")]).joined(separator: "\n")
    }
  }

  private var widths: [Int] {
    header.indices.map { column in
      rows.flatMap { $0[column] }.reduce(header[column].count) { max($0, $1.count) }
    }
  }

  private func line(_ cells: [String], _ edge: String = "│") -> String {
    let padded = zip(cells, widths).enumerated().map { column, cell in
      let gap = String(repeating: " ", count: cell.1 - cell.0.count)
      return alignedRight.contains(column) ? gap + cell.0 : cell.0 + gap
    }
    switch style {
    case .plain: return "  " + padded.joined(separator: "  ")
    case .ruled: return padded.joined(separator: "  ")
    case .framed: return "\(edge) \(padded.joined(separator: " \(edge) ")) \(edge)"
    }
  }

  private func rule(_ left: String, _ middle: String, _ right: String, _ line: String) -> String {
    left + widths.map { String(repeating: line, count: $0 + 2) }.joined(separator: middle) + right
  }
}
