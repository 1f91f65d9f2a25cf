import Engine

/// Something that a user can do wrong, and a part of what the error says.
package struct ErrorCase: Sendable, CustomStringConvertible {
  package let name: String
  package let text: String
  package let body: @Sendable () throws -> Void

  init(_ name: String, _ text: String, _ body: @escaping @Sendable () throws -> Void) {
    self.name = name
    self.text = text
    self.body = body
  }

  package var description: String { name }

  package static let all: [ErrorCase] =
    shapes + axes + values + metrics + windows + modules + training + traces
}
