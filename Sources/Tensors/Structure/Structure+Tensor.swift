import OrderedCollections

extension Structure {
  /// The tensor, when this is one.
  public var tensor: Tensor? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }

  /// Whether another structure has the same names, nesting and constants, and tensors in the same places: all that what is
  /// compiled for one depends on.
  ///
  /// - Parameters:
  ///   - other: a structure.
  ///   - areAlike: whether a tensor and that in its place are alike: of one shape and type, unless given.
  /// - Returns: whether both are alike.
  package func isLike(
    _ other: Structure,
    _ areAlike: (Tensor, Tensor) -> Bool = { $0.shape == $1.shape && $0.dtype == $1.dtype }
  ) -> Bool {
    switch (self, other) {
    case (.tensor(let mine), .tensor(let theirs)): areAlike(mine, theirs)
    case (.list(let mine), .list(let theirs)):
      mine.count == theirs.count
        && mine.indices.allSatisfy { mine[$0].isLike(theirs[$0], areAlike) }
    case (.dictionary(let mine), .dictionary(let theirs)):
      mine.keys == theirs.keys
        && mine.values.indices.allSatisfy { mine.values[$0].isLike(theirs.values[$0], areAlike) }
    case (.constant(.double(let mine)), .constant(.double(let theirs))):
      mine.bitPattern == theirs.bitPattern
    case (.constant(let mine), .constant(let theirs)): mine == theirs
    case (.none, .none): true
    default: false
    }
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
