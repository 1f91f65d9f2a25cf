import Tensors

/// A table of text in a frame; a cell can have several lines.
struct TextTable {
  /// The columns whose text stands at the right.
  var alignsRight: Set<Int> = []
  private let header: [String]
  private var rows: [[[String]]] = []

  init(_ header: [String]) { self.header = header }

  /// Adds a row: the lines of every cell.
  mutating func add(_ cells: [[String]]) { rows.append(cells) }

  /// The table, as wide as its text.
  var text: String {
    let widths = header.indices.map { column in
      (rows.flatMap { $0[column] } + [header[column]]).reduce(0) { Swift.max($0, $1.count) }
    }
    func rule(_ left: String, _ middle: String, _ right: String, _ line: String) -> String {
      let parts = widths.map { String(repeating: line, count: $0 + 2) }
      return left + parts.joined(separator: middle) + right
    }
    func line(_ cells: [String], _ edge: String) -> String {
      let padded = zip(cells, widths).enumerated().map { column, cell in
        let gap = String(repeating: " ", count: cell.1 - cell.0.count)
        return alignsRight.contains(column) ? " \(gap)\(cell.0) " : " \(cell.0)\(gap) "
      }
      return edge + padded.joined(separator: edge) + edge
    }
    let body = rows.map { cells in
      let height = cells.reduce(1) { Swift.max($0, $1.count) }
      return (0..<height).map { index in
        line(cells.map { index < $0.count ? $0[index] : "" }, "│")
      }.joined(separator: "\n")
    }
    let separator = "\n" + rule("├", "┼", "┤", "─") + "\n"
    return [
      rule("┏", "┳", "┓", "━"), line(header, "┃"), rule("┡", "╇", "┩", "━"),
      body.joined(separator: separator), rule("└", "┴", "┘", "─"),
    ].joined(separator: "\n")
  }
}
