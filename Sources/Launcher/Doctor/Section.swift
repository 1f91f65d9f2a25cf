import Foundation

/// A part of the report: a title, and a name and text in each line.
struct Section {
  private let title: String
  private var lines: [String] = []

  init(_ title: String) { self.title = title }

  /// Adds a line.
  mutating func add(_ name: String, _ text: String) {
    let width = max(18, name.count + 1)
    lines.append("  " + name.padding(toLength: width, withPad: " ", startingAt: 0) + text)
  }

  /// Adds a finding that asks for something to be done.
  mutating func advise(_ text: String) {
    lines.append("  -> " + text)
    hasAdvice = true
  }

  /// Whether something has to be done.
  private(set) var hasAdvice = false

  var text: String { ([title] + lines).joined(separator: "\n") }
}

/// Values as one line of JSON, for what the command says to itself.
enum JSONText {
  static func encode(_ value: some Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }

  /// Reads the last line of `text`: libraries may print warnings before it.
  static func decodeLastLine<T: Decodable>(_ text: String, as type: T.Type) throws -> T {
    let line = text.split(whereSeparator: \.isNewline).last ?? ""
    return try JSONDecoder().decode(T.self, from: Data(line.utf8))
  }
}
