// As for encoding, the generic `decode` also serves the requirements for single scalar types.

/// The values of a dictionary by name, or of a list by position.
struct KeyedPlace<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let node: DecodingNode
  var codingPath: [any CodingKey] { node.codingPath }
  var allKeys: [Key] { node.allNames().compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { node.contains(key) }

  func decodeNil(forKey key: Key) throws -> Bool { try node.requiredPart(key).isNone }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    // A field of a generic type may be optional without asking with `decodeIfPresent`.
    let part = type is any OptionalType.Type ? node.part(key) ?? .none : try node.requiredPart(key)
    return try node.decode(type, from: part, at: key)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try node.nested(node.requiredPart(key), at: key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try node.nested(node.requiredPart(key), at: key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder {
    node.nested(try node.requiredPart(PathKey.superclass), at: PathKey.superclass)
  }

  func superDecoder(forKey key: Key) throws -> any Decoder {
    node.nested(try node.requiredPart(key), at: key)
  }
}

/// The values of a list in order.
struct UnkeyedPlace: UnkeyedDecodingContainer {
  let node: DecodingNode
  let values: [Structure]
  var codingPath: [any CodingKey] { node.codingPath }
  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex >= values.count }
  private(set) var currentIndex = 0

  init(node: DecodingNode, values: [Structure]) {
    self.node = node
    self.values = values
  }

  private mutating func next() throws -> (value: Structure, key: PathKey) {
    guard !isAtEnd else { throw node.mismatch(wanted: "a list of more than \(values.count)") }
    defer { currentIndex += 1 }
    return (values[currentIndex], PathKey(.index(currentIndex)))
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, values[currentIndex].isNone else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let (value, key) = try next()
    return try node.decode(type, from: value, at: key)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let (value, key) = try next()
    return try node.nested(value, at: key).container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let (value, key) = try next()
    return try node.nested(value, at: key).unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder {
    let (value, key) = try next()
    return node.nested(value, at: key)
  }
}

/// The part of a structure that a type reads as a single value.
struct SinglePlace: SingleValueDecodingContainer {
  let node: DecodingNode
  var codingPath: [any CodingKey] { node.codingPath }

  func decodeNil() -> Bool { node.structure.isNone }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    try DecodingNode(
      node.structure, path: node.codingPath, type: type, session: node.session
    ).value(type)
  }
}

/// `Optional`, whatever it wraps.
protocol OptionalType {
  /// `nil` of the optional type.
  static var absent: Self { get }
}

extension Optional: OptionalType {
  static var absent: Self { .none }
}

extension Structure {
  /// Whether there is no value.
  package var isNone: Bool { if case .none = self { true } else { false } }
}
