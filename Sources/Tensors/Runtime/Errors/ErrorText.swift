/// A text that keeps the shapes in it as shapes, so that whoever passes an error on can name others.
///
/// It is written as a literal. Shapes, other texts and errors that are put into it stay data.
public struct ErrorText: Hashable, Sendable {
  /// A piece of a text.
  public enum Part: Hashable, Sendable {
    /// Words, names and numbers.
    case text(String)
    /// The lengths of axes, nil where one is open.
    case shape([Int?])
  }

  /// The pieces in order, no two of words next to each other.
  public private(set) var parts: [Part] = []

  /// The shapes that are named, in order.
  public var shapes: [[Int?]] {
    parts.compactMap { if case .shape(let lengths) = $0 { lengths } else { nil } }
  }

  /// The same text with other shapes.
  package func mapShapes(_ transform: ([Int?]) -> [Int?]) -> ErrorText {
    var mapped = self
    mapped.parts = parts.map { part in
      if case .shape(let lengths) = part { .shape(transform(lengths)) } else { part }
    }
    return mapped
  }

  private init() {}

  /// Two texts, one behind the other.
  public static func + (a: ErrorText, b: ErrorText) -> ErrorText {
    var sum = a
    sum += b
    return sum
  }

  /// Adds a text at the end.
  public static func += (a: inout ErrorText, b: ErrorText) {
    for part in b.parts { a.add(part) }
  }

  private mutating func add(_ part: Part) {
    guard case .text(let words) = part else { return parts.append(part) }
    guard !words.isEmpty else { return }
    if case .text(let before)? = parts.last {
      parts[parts.count - 1] = .text(before + words)
    } else {
      parts.append(part)
    }
  }
}

extension ErrorText: CustomStringConvertible {
  /// The text for a person.
  public var description: String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .shape(let lengths): shapeText(lengths)
      }
    }.joined()
  }
}

/// `[nil, 32]`
package func shapeText(_ shape: [Int?]) -> String {
  "[" + shape.map { $0.map(String.init) ?? "nil" }.joined(separator: ", ") + "]"
}

/// What stays data in an ``ErrorText``.
package protocol ErrorTextConvertible {
  var errorText: ErrorText { get }
}

extension ErrorText: ErrorTextConvertible {
  package var errorText: ErrorText { self }
}

extension Array: ErrorTextConvertible where Element: ErrorTextConvertible {
  /// As arrays are printed: `[[2, 3], [4]]`.
  package var errorText: ErrorText { "[\(map(\.errorText).joined(", "))]" }
}

extension [ErrorText] {
  /// All texts with a separator in between.
  package func joined(_ separator: ErrorText) -> ErrorText {
    dropFirst().reduce(first ?? "") { $0 + separator + $1 }
  }
}

extension ErrorText: ExpressibleByStringInterpolation {
  /// A text without values.
  public init(stringLiteral value: String) { add(.text(value)) }

  /// A text with values in it.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.text }

  /// Collects the pieces of a literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ErrorText()

    /// Nothing yet.
    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds words.
    public mutating func appendLiteral(_ literal: String) { text.add(.text(literal)) }

    /// Adds a shape whose lengths may be open.
    public mutating func appendInterpolation(shape lengths: [Int?]) { text.add(.shape(lengths)) }

    /// Adds a value: shapes, texts and errors as they are, anything else as it is printed.
    public mutating func appendInterpolation<T>(_ value: T) {
      if let value = value as? any ErrorTextConvertible {
        text += value.errorText
      } else {
        text.add(.text("\(value)"))
      }
    }
  }
}
