import OrderedCollections

/// A dictionary by name that `Codable` alone would write as a list of keys and values in turn.
protocol NamedEntriesEncodable {
  func encodeEntries(into node: EncodingNode) throws
}

/// As ``NamedEntriesEncodable``, for reading.
protocol NamedEntriesDecodable {
  static func decodeEntries(_ node: DecodingNode) throws -> Self
}

extension OrderedDictionary: NamedEntriesEncodable where Key == String, Value: Encodable {
  func encodeEntries(into node: EncodingNode) throws {
    node.becomeDictionary()
    for (key, value) in self { try node.child(PathKey(.key(key))).set(value) }
  }
}

extension OrderedDictionary: NamedEntriesDecodable where Key == String, Value: Decodable {
  static func decodeEntries(_ node: DecodingNode) throws -> Self {
    guard case .dictionary(let entries) = node.structure else {
      throw node.mismatch(wanted: "a dictionary")
    }
    var decoded = Self(minimumCapacity: entries.count)
    for (key, value) in entries {
      decoded[key] = try node.decode(Value.self, from: value, at: PathKey(.key(key)))
    }
    return decoded
  }
}

/// A container of the standard library that `Codable` writes in an order that changes from run to
/// run.
protocol UnorderedContainer {
  /// Whether its values are written by name all the same.
  static var hasNamedKeys: Bool { get }
  static var advice: String { get }
}

extension Set: UnorderedContainer {
  static var hasNamedKeys: Bool { false }
  static var advice: String { "use an array" }
}

extension Dictionary: UnorderedContainer {
  static var hasNamedKeys: Bool { Key.self is any CodingKeyRepresentable.Type }
  static var advice: String {
    "use keys of type String or Int, or make \(Key.self) conform to CodingKeyRepresentable"
  }
}
