import OrderedCollections

/// One place of the tree that is being decoded: the decoder that a type's `init(from:)` sees.
final class DecodingNode: Decoder {
  let structure: Structure
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }
  let session: DecodingSession
  /// The type that is being made here.
  private let goal: any Decodable.Type
  /// The position that each name got when it was first asked for (the tuple rule).
  private var positions: OrderedDictionary<String, Int> = [:]
  /// Whether all names were asked for, which a list does not have.
  private var askedForAllNames = false
  /// Places for which the type asked for a container of its own.
  private var nested: [DecodingNode] = []

  init(
    _ structure: Structure, path: [any CodingKey], type: any Decodable.Type,
    session: DecodingSession
  ) {
    self.structure = structure
    codingPath = path
    goal = type
    self.session = session
  }

  /// The value of this place.
  func value<T: Decodable>(_ type: T.Type) throws -> T {
    if let leaf = try leaf(type) { return leaf }
    if let dictionary = type as? any NamedEntriesDecodable.Type {
      if let value = try dictionary.decodeEntries(self) as? T { return value }
    }
    do {
      let value = try T(from: self)
      try checkPositions()
      return value
    } catch let error as DecodingError {
      // What is wrong is the list, not what the type made of its having no names.
      try checkPositions()
      throw error
    }
  }

  /// The value of a part of this place.
  func decode<T: Decodable>(
    _ type: T.Type, from part: Structure, at key: any CodingKey
  ) throws -> T {
    try DecodingNode(part, path: codingPath + [key], type: type, session: session).value(type)
  }

  /// A place for a container that the type reads by itself.
  func nested(_ part: Structure, at key: any CodingKey) -> DecodingNode {
    let node = DecodingNode(part, path: codingPath + [key], type: goal, session: session)
    nested.append(node)
    return node
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    switch structure {
    case .dictionary, .list, .tensor: KeyedDecodingContainer(KeyedPlace<Key>(node: self))
    case .constant, .none: throw mismatch(wanted: "values by name")
    }
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let values) = structure else { throw mismatch(wanted: "a list") }
    return UnkeyedPlace(node: self, values: values)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { SinglePlace(node: self) }

  /// The error that this place is not what the type wants.
  func mismatch(wanted: ErrorText) -> EngineError {
    let place = session.place(codingPath)
    let found = place.isEmpty ? "found \(structure.summary)" : "\(place) is \(structure.summary)"
    return session.error("\(goal) wants \(wanted), but \(found)")
  }
}

// MARK: - Parts by name and by position

extension DecodingNode {
  /// The part with this name, or the next one in a list; nil when there is none.
  func part(_ key: any CodingKey) -> Structure? {
    switch structure {
    case .dictionary(let values): return values[name(of: key)]
    case .list(let values): return position(of: key, count: values.count).map { values[$0] }
    case .tensor: return position(of: key, count: 1).map { _ in structure }
    case .constant, .none: return nil
    }
  }

  /// The part with this name, or the error that it is missing.
  func requiredPart(_ key: any CodingKey) throws -> Structure {
    if let part = part(key) { return part }
    guard case .dictionary(let values) = structure else { throw countMismatch() }
    if codingPath.isEmpty, let missing = session.missing { throw missing(key.stringValue) }
    let suggestion = suggestion(for: key.stringValue, among: Array(values.keys))
    let place = session.place(codingPath)
    throw session.error(
      "\(goal) asks for \"\(key.stringValue)\", but \(place) is \(structure.summary)\(suggestion)")
  }

  func contains(_ key: any CodingKey) -> Bool {
    switch structure {
    case .dictionary(let values): values[name(of: key)] != nil
    case .list(let values): positions[key.stringValue] != nil || positions.count < values.count
    case .tensor: positions[key.stringValue] != nil || positions.isEmpty
    case .constant, .none: false
    }
  }

  /// All names; none in a list, which is an error later.
  func allNames() -> [String] {
    guard case .dictionary(let values) = structure else {
      askedForAllNames = true
      return []
    }
    return Array(values.keys)
  }

  private func name(of key: any CodingKey) -> String {
    codingPath.isEmpty ? session.aliases[key.stringValue] ?? key.stringValue : key.stringValue
  }

  private func position(of key: any CodingKey, count: Int) -> Int? {
    if let known = positions[key.stringValue] { return known }
    guard positions.count < count else { return nil }
    let position = positions.count
    positions[key.stringValue] = position
    return position
  }

  /// Throws when a list had other than as many values as were asked for.
  private func checkPositions() throws {
    if askedForAllNames { throw mismatch(wanted: "values by name") }
    if case .list(let values) = structure, !positions.isEmpty, positions.count != values.count {
      throw countMismatch()
    }
    for place in nested { try place.checkPositions() }
  }

  private func countMismatch() -> EngineError {
    var names = Array(positions.keys)
    let all = requirements(of: goal).map(\.name)
    if nested.isEmpty, all.starts(with: names) { names = all }
    let takes = "takes \(counted(names.count, "input"))"
    let place = session.place(codingPath)
    let has =
      if case .list(let values) = structure { "has \(values.count)" } else { "is one tensor" }
    let message = "\(takes) (\(names.joined(separator: ", "))) but \(place) \(has)"
    if codingPath.isEmpty, let asker = session.asker {
      return .structure(message: "\(asker) \(message)")
    }
    return session.error("\(goal) \(message)")
  }
}
