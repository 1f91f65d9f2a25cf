import OrderedCollections

extension Structure {
  /// A structure of the same form with each tensor replaced; constants stay.
  public func map(_ transform: (Tensor) throws -> Tensor) rethrows -> Structure {
    try mapWithPath { _, tensor in try transform(tensor) }
  }

  /// As ``map(_:)``, with the path of each tensor.
  public func mapWithPath(
    _ transform: ([PathElement], Tensor) throws -> Tensor
  ) rethrows -> Structure {
    try mapWithPath([], transform)
  }

  private func mapWithPath(
    _ path: [PathElement], _ transform: ([PathElement], Tensor) throws -> Tensor
  ) rethrows -> Structure {
    switch self {
    case .tensor(let tensor): return .tensor(try transform(path, tensor))
    case .list(let values):
      var mapped: [Structure] = []
      for (index, value) in values.enumerated() {
        mapped.append(try value.mapWithPath(path + [.index(index)], transform))
      }
      return .list(mapped)
    case .dictionary(let values):
      var mapped: OrderedDictionary<String, Structure> = [:]
      for (key, value) in values {
        mapped[key] = try value.mapWithPath(path + [.key(key)], transform)
      }
      return .dictionary(mapped)
    case .constant, .none: return self
    }
  }

  /// A structure of the same form with its tensors replaced by `tensors`, in order.
  ///
  /// - Throws: `EngineError.structure` unless there are as many tensors as this structure has.
  public func replacingTensors(with tensors: [Tensor]) throws(EngineError) -> Structure {
    guard tensors.count == tensorCount else {
      throw .structure(
        message: "a structure of \(tensorCount) tensors cannot be filled with \(tensors.count)")
    }
    var rest = tensors[...]
    return map { rest.popFirst() ?? $0 }
  }

  /// Joins the tensors at equal paths of two structures of the same form.
  ///
  /// Dictionaries are matched by name, whatever the order of their keys; the result has the order
  /// and the constants of `first`.
  ///
  /// - Parameters:
  ///   - first: a structure.
  ///   - second: one of the same form.
  ///   - transform: makes one tensor of two.
  /// - Returns: the structure of what it makes.
  /// - Throws: `EngineError.structure` that names the first path at which the forms differ, and
  ///   whatever `transform` throws.
  public static func zip(
    _ first: Structure, _ second: Structure, with transform: (Tensor, Tensor) throws -> Tensor
  ) throws -> Structure {
    if let difference = first.difference(second, at: []) {
      throw EngineError.structure(message: difference)
    }
    return try first.mapWithPath { path, tensor in
      guard case .tensor(let other) = try second.at(path) else { return tensor }
      return try transform(tensor, other)
    }
  }

  /// A sentence on the first path at which another structure has another form, or nil when both
  /// have tensors, lists and names in the same places. Shapes, scalar types and constants are not
  /// compared.
  public func firstDifference(from other: Structure) -> String? {
    difference(other, at: [])?.description
  }

  private func difference(_ other: Structure, at path: [PathElement]) -> ErrorText? {
    switch (self, other) {
    case (.tensor, .tensor), (.constant, .constant), (.none, .none): return nil
    case (.list(let a), .list(let b)) where a.count == b.count:
      for (index, pair) in Swift.zip(a, b).enumerated() {
        if let found = pair.0.difference(pair.1, at: path + [.index(index)]) { return found }
      }
      return nil
    case (.dictionary(let a), .dictionary(let b)):
      for (key, value) in a {
        guard let match = b[key] else { return Self.onlyOne("first", path + [.key(key)]) }
        if let found = value.difference(match, at: path + [.key(key)]) { return found }
      }
      guard let extra = b.keys.first(where: { a[$0] == nil }) else { return nil }
      return Self.onlyOne("second", path + [.key(extra)])
    default:
      let place = path.isEmpty ? "the root" : path.pathDescription
      let (mine, theirs) = (summary, other.summary)
      return "structures differ at \(place): \(mine) in the first, \(theirs) in the second"
    }
  }

  private static func onlyOne(_ which: String, _ path: [PathElement]) -> ErrorText {
    "structures differ at \(path.pathDescription): only the \(which) has it"
  }
}
