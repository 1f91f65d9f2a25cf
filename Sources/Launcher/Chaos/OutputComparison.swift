import Foundation

/// Files of a disturbed run beside those of an undisturbed one.
struct OutputComparison {
  /// What is compared, and what it is called.
  struct Item: Sendable {
    var name: String
    var file: String
  }

  /// What `apus train` leaves that has to be the same. The summary has times in it.
  static let ofTrain = [
    Item(name: "weights", file: "weights.safetensors"), Item(name: "history", file: "history.csv"),
  ]

  /// For each item what is to be said of it.
  let results: [(item: Item, difference: String?)]

  /// Compares files byte by byte.
  ///
  /// - Parameters:
  ///   - items: the files.
  ///   - disturbed: the folder of the disturbed run.
  ///   - undisturbed: that of the other.
  init(_ items: [Item], _ disturbed: String, _ undisturbed: String) {
    results = items.map { item in
      (item, Self.difference("\(disturbed)/\(item.file)", "\(undisturbed)/\(item.file)"))
    }
  }

  var areEqual: Bool { results.allSatisfy { $0.difference == nil } }

  /// `weights equal, history differs`
  var summary: String {
    results.map { "\($0.item.name) \($0.difference == nil ? "equal" : "differs")" }
      .joined(separator: ", ")
  }

  /// A line for each file that differs.
  var differences: [String] {
    results.compactMap { result in result.difference.map { "\(result.item.file): \($0)" } }
  }

  private static func difference(_ disturbed: String, _ undisturbed: String) -> String? {
    guard let expected = FileManager.default.contents(atPath: undisturbed) else {
      return "the undisturbed run has not written it"
    }
    guard let found = FileManager.default.contents(atPath: disturbed) else {
      return "the disturbed run has not written it"
    }
    if found == expected { return nil }
    let same = zip(found, expected).prefix { $0 == $1 }.count
    let sizes = "\(found.count) bytes instead of \(expected.count)"
    guard let a = String(data: found, encoding: .utf8),
      let b = String(data: expected, encoding: .utf8)
    else { return "\(sizes), different from byte \(same) on" }
    let (lines, others) = (a.split(separator: "\n"), b.split(separator: "\n"))
    let line = zip(lines, others).prefix { $0 == $1 }.count
    func quoted(_ lines: [Substring]) -> String {
      line < lines.count ? "'\(lines[line].prefix(200))'" : "the end"
    }
    return "line \(line + 1) is \(quoted(lines)) instead of \(quoted(others))"
  }
}
