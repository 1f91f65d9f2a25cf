import OrderedCollections

extension Structure: CustomStringConvertible {
  /// The form of the tree with the type and shape of each tensor, such as `{a: float32[2, 3], b:
  /// [1, 2]}`; over several lines when one of 80 columns is too short.
  public var description: String { string(indent: 0) }

  private func string(indent: Int) -> String {
    let line = oneLine
    if line.count + 2 * indent <= 80 { return line }
    let inner = String(repeating: "  ", count: indent + 1)
    let outer = String(repeating: "  ", count: indent)
    switch self {
    case .list(let values):
      let lines = values.map { inner + $0.string(indent: indent + 1) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
    case .dictionary(let values):
      let lines = values.map { "\(inner)\($0.key): " + $0.value.string(indent: indent + 1) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    case .tensor, .constant, .none: return line
    }
  }

  /// ``description`` on one line.
  package var oneLine: String {
    switch self {
    case .tensor(let tensor): "\(tensor.dtype)\(Self.brackets(tensor.shape.map { String($0) }))"
    case .list(let values): Self.brackets(values.map(\.oneLine))
    case .dictionary(let values):
      "{" + values.map { "\($0.key): \($0.value.oneLine)" }.joined(separator: ", ") + "}"
    case .constant(let constant): constant.description
    case .none: "none"
    }
  }

  private static func brackets(_ parts: [String]) -> String {
    "[" + parts.joined(separator: ", ") + "]"
  }

  /// What this is, in a few words for a message: "a list of 3", "a dictionary with keys a and b".
  package var summary: ErrorText {
    switch self {
    case .tensor(let tensor): "a tensor \(tensor.dtype)\(tensor.shape)"
    case .list(let values): "a list of \(values.count)"
    case .dictionary(let values) where values.isEmpty: "an empty dictionary"
    case .dictionary(let values) where values.count == 1: "a dictionary with key \(values.keys[0])"
    case .dictionary(let values):
      "a dictionary with keys \(values.keys.joined(separator: ", "))"
    case .constant(.bool(let value)): "the boolean \(value)"
    case .constant(.string): "the string \(oneLine)"
    case .constant: "the number \(oneLine)"
    case .none: "absent"
    }
  }
}

extension Structure.Constant: CustomStringConvertible {
  /// The value as Swift writes it; strings in quotes.
  public var description: String {
    switch self {
    case .bool(let value): String(value)
    case .int(let value): String(value)
    case .double(let value): String(value)
    case .string(let value): "\"\(value)\""
    }
  }
}
