/// One step of the way from a structure to one of its parts: a key of a dictionary or a place in a
/// list.
///
/// A path is an array of these and prints with slashes, `labels/0/a`. Literals work:
/// `let path: [PathElement] = ["labels", 0, "a"]`.
public enum PathElement: Hashable, Sendable, Codable {
  /// The value with this name in a dictionary.
  case key(String)
  /// The value at this position in a list, from 0; negative numbers count from the end.
  case index(Int)
}

extension PathElement: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  /// The value with this name in a dictionary.
  public init(stringLiteral value: String) { self = .key(value) }

  /// The value at this position in a list.
  public init(integerLiteral value: Int) { self = .index(value) }
}

extension PathElement: CustomStringConvertible {
  /// The key or the position, without quotes.
  public var description: String {
    switch self {
    case .key(let key): key
    case .index(let index): String(index)
    }
  }
}

extension Sequence where Element == PathElement {
  /// The path with slashes between its elements; empty for the root.
  public var pathDescription: String { map(\.description).joined(separator: "/") }
}

/// A `PathElement` as the coding key that `Codable` asks for.
struct PathKey: CodingKey {
  let element: PathElement

  init(_ element: PathElement) { self.element = element }
  init(stringValue: String) { element = .key(stringValue) }
  init(intValue: Int) { element = .index(intValue) }

  var stringValue: String { element.description }

  var intValue: Int? {
    if case .index(let index) = element { index } else { nil }
  }

  /// The key under which a class puts the part of its superclass.
  static let superclass = PathKey(.key("super"))

  /// Elements of a coding path; only keys made here are positions, others may number their names.
  static func path(_ codingPath: [any CodingKey]) -> [PathElement] {
    codingPath.map { ($0 as? PathKey)?.element ?? .key($0.stringValue) }
  }
}
