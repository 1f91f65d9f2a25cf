extension Structure {
  /// The tensor, when this is one.
  public var tensor: Tensor? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }

  /// Names, nesting and constants as a string; tensors of any shape are told by their place only.
  package var form: String {
    switch self {
    case .tensor: "tensor"
    case .list(let values): "[" + values.map(\.form).joined(separator: ", ") + "]"
    case .dictionary(let values):
      "{" + values.map { "\"\($0.key)\": \($0.value.form)" }.joined(separator: ", ") + "}"
    case .constant(let constant): constant.description
    case .none: "none"
    }
  }
}
