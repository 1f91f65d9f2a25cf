import Tensors

/// Whether the first line of a table names its columns, as far as the first two lines tell.
struct CSVHeaderGuess {
  enum Decision {
    /// It names the columns.
    case header
    /// It is a row.
    case data
    /// It is a row if another one has its label.
    case unlessLabelRecurs
    /// It is neither: this column is no number, and others are.
    case unclear(column: Int)
  }

  let decision: Decision
  private let first: [String]

  /// - Parameters:
  ///   - first: the cells of the first line.
  ///   - label: the column of the label, if there is one.
  ///   - next: the cells of the second line; empty when there is none.
  init(_ first: [String], label: Int?, next: [String]) {
    self.first = first
    decision = Self.decide(first, label, next)
  }

  private static func decide(_ first: [String], _ label: Int?, _ next: [String]) -> Decision {
    guard first.contains(where: isNumber) else { return .header }
    let wrong = first.indices.first { !isNumber(first[$0]) && $0 != label }
    let otherwise = wrong.map { Decision.unclear(column: $0) } ?? .data
    guard let label, first.indices.contains(label), next.count == first.count else {
      return otherwise
    }
    // A data frame with an index writes no name over it.
    let isIndexed = wrong == 0 && first[0].isEmpty && isNumber(next[0])
    let rest = first.indices.filter { $0 != label && !(isIndexed && $0 == 0) }.map { first[$0] }
    let looksLikeNames = Set(rest).count == rest.count && rest.allSatisfy(isWhole)
    switch (isNumber(first[label]), isNumber(next[label])) {
    case (false, true) where !first[label].isEmpty:
      return wrong == nil || isIndexed ? .header : otherwise
    case (true, false) where !next[label].isEmpty:
      // Else the label below is no name but a mistake.
      return first.count > 2 && countsColumns(first) ? .header : otherwise
    case (false, false) where looksLikeNames && !first[label].isEmpty:
      if isIndexed { return .header }
      return wrong == nil ? .unlessLabelRecurs : otherwise
    default: return otherwise
    }
  }

  /// What speaks against the way the line was taken, for a person; nil when nothing does.
  func doubt(_ table: CSVTable) -> String? {
    let line = "line 1 (\(shown)) was taken for "
    if table.names.isEmpty {
      if case .unlessLabelRecurs = decision, table.firstLabelIsSingle {
        return line + "a row, but no other row has its label"
      }
      return Self.countsColumns(first) && first.count > 2
        ? line + "a row, but it could be the names of columns that have none" : nil
    }
    if first[0].isEmpty, table.labelColumn != 0, !first.allSatisfy(\.isEmpty) {
      return line + "names of columns, the first of which has none: is it an index and no feature?"
    }
    return first.contains(where: Self.isNumber) ? line + "names of columns" : nil
  }

  private var shown: String {
    let text = first.joined(separator: ",")
    return text.count > 40 ? "\(text.prefix(40))..." : text
  }

  /// Whether the cells are 0, 1, 2, ...
  private static func countsColumns(_ cells: [String]) -> Bool {
    cells.enumerated().allSatisfy { $1 == "\($0)" }
  }

  private static func isNumber(_ text: String) -> Bool { CSVParser.number(text) != nil }

  private static func isWhole(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 }
  }
}
