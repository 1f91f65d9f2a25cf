import OrderedCollections

/// A decoder without data that writes down which names a type asks for.
///
/// It gives stand-ins: 0, `false`, `""`, a scalar tensor, empty arrays and dictionaries, `nil`, the
/// first case of an enum, structs of these. The names of the outermost type are recorded, those of
/// nested types are not. An `init(from:)` that refuses all stand-ins ends the recording early
/// (``Record/isComplete``); nothing is lost but the early message, since the real decoding
/// checks again.
package final class RecordingDecoder: Decoder {
  /// What was asked for.
  package struct Record: Sendable {
    /// In order of the first request.
    package let requirements: [Requirement]
    /// Whether the type went on to the end.
    package let isComplete: Bool
  }

  package var codingPath: [any CodingKey] { [] }
  package var userInfo: [CodingUserInfoKey: Any] { [:] }
  private let depth: Int
  /// Whether a keyed container has the first case of its coding keys, as an enum with payload
  /// wants.
  fileprivate let offersFirstKey: Bool
  /// Whether requests here are those of the outermost type.
  private let records: Bool
  private var asked: OrderedDictionary<String, Bool> = [:]

  private init(depth: Int, offersFirstKey: Bool, records: Bool) {
    self.depth = depth
    self.offersFirstKey = offersFirstKey
    self.records = records
  }

  /// Runs the `init(from:)` of `type` and writes down what it asks for.
  package static func record<T: Decodable>(_ type: T.Type) -> Record {
    let decoder = RecordingDecoder(depth: 0, offersFirstKey: false, records: true)
    let value = try? decoder.sameLevel(type)
    return Record(
      requirements: decoder.asked.map { Requirement(name: $0.key, isOptional: $0.value) },
      isComplete: value != nil)
  }

  /// Some value of `type`, made without data; nil when its `init(from:)` refuses all stand-ins.
  package static func standIn<T: Decodable>(_ type: T.Type) -> T? {
    try? RecordingDecoder(depth: 0, offersFirstKey: false, records: false).part(type)
  }

  package func container<Key: CodingKey>(
    keyedBy type: Key.Type
  ) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedRecorder<Key>(decoder: self))
  }

  package func unkeyedContainer() -> any UnkeyedDecodingContainer {
    UnkeyedRecorder(decoder: self)
  }

  package func singleValueContainer() -> any SingleValueDecodingContainer {
    SingleRecorder(decoder: self)
  }
}

// MARK: - Stand-ins

extension RecordingDecoder {
  fileprivate func note(_ key: any CodingKey, isOptional: Bool) {
    if records { asked[key.stringValue] = isOptional }
  }

  /// A value for a part of this type.
  fileprivate func part<T: Decodable>(_ type: T.Type) throws -> T {
    if let value = Self.leaf(type) { return value }
    // A type that contains itself without end must not end the process.
    guard depth < 32 else { throw Self.refusal(type) }
    if let value = try? T(from: nested(offersFirstKey: false)) { return value }
    if let value = try? T(from: nested(offersFirstKey: true)) { return value }
    if let value = Self.zeroed(type) { return value }
    throw Self.refusal(type)
  }

  /// A value that stands for this type itself: its requests are recorded here.
  fileprivate func sameLevel<T: Decodable>(_ type: T.Type) throws -> T {
    if let value = Self.leaf(type) { return value }
    return try T(from: self)
  }

  fileprivate func nested(offersFirstKey: Bool = false) -> RecordingDecoder {
    RecordingDecoder(depth: depth + 1, offersFirstKey: offersFirstKey, records: false)
  }

  private static func leaf<T>(_ type: T.Type) -> T? {
    switch type {
    case is Tensor.Type: Tensor(0.0) as? T
    case is Structure.Type: Structure.none as? T
    case is RandomKey.Type: RandomKey(seed: 0) as? T
    case is Bool.Type: false as? T
    case is String.Type: "" as? T
    case let optional as any OptionalType.Type: optional.absent as? T
    case let number as any BinaryFloatingPoint.Type: zero(number) as? T
    case let number as any FixedWidthInteger.Type: zero(number) as? T
    case let cases as any CaseIterable.Type: first(cases) as? T
    default: nil
    }
  }

  private static func zero<N: Numeric>(_ type: N.Type) -> N { .zero }

  private static func first<C: CaseIterable>(_ type: C.Type) -> Any? { type.allCases.first }

  private static func refusal(_ type: Any.Type) -> EngineError {
    .structure(message: "\(type) cannot be made without data")
  }

  /// The value whose bytes are all 0, for enums without other stand-ins: the first case.
  ///
  /// Safe because the type is trivial (plain bytes, nothing to retain or destroy), and of such
  /// types that are `Decodable` any with a size, or with raw values, has a value of zeros: an
  /// enum's cases are numbered from 0, numbers may be 0. An enum without cases has neither size nor
  /// raw values.
  fileprivate static func zeroed<T>(_ type: T.Type) -> T? {
    guard _isPOD(type), MemoryLayout<T>.size > 0 || type is any RawRepresentable.Type else {
      return nil
    }
    return withUnsafeTemporaryAllocation(
      byteCount: max(MemoryLayout<T>.size, 1), alignment: MemoryLayout<T>.alignment
    ) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return UnsafeRawBufferPointer(bytes).load(as: T.self)
    }
  }
}

// MARK: - Containers

private struct KeyedRecorder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: RecordingDecoder
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] {
    // The coding keys of an enum are plain cases; those of a dictionary hold strings and are left out.
    guard decoder.offersFirstKey, let key = RecordingDecoder.zeroed(Key.self) else { return [] }
    return [key]
  }

  // Synthesised code asks this for optional fields only.
  func contains(_ key: Key) -> Bool {
    decoder.note(key, isOptional: true)
    return false
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    decoder.note(key, isOptional: true)
    return true
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    decoder.note(key, isOptional: type is any OptionalType.Type)
    return try decoder.part(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    decoder.note(key, isOptional: false)
    return decoder.nested().container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    decoder.note(key, isOptional: false)
    return decoder.nested().unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder {
    decoder.note(PathKey.superclass, isOptional: false)
    return decoder.nested()
  }

  func superDecoder(forKey key: Key) throws -> any Decoder {
    decoder.note(key, isOptional: false)
    return decoder.nested()
  }
}

/// An empty list that still gives values to a type that asks for a fixed number of them.
private struct UnkeyedRecorder: UnkeyedDecodingContainer {
  let decoder: RecordingDecoder
  var codingPath: [any CodingKey] { [] }
  var count: Int? { 0 }
  var isAtEnd: Bool { true }
  private(set) var currentIndex = 0

  init(decoder: RecordingDecoder) { self.decoder = decoder }

  mutating func decodeNil() throws -> Bool { false }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    currentIndex += 1
    return try decoder.part(type)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> { decoder.nested().container(keyedBy: type) }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    decoder.nested().unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder { decoder.nested() }
}

private struct SingleRecorder: SingleValueDecodingContainer {
  let decoder: RecordingDecoder
  var codingPath: [any CodingKey] { [] }

  func decodeNil() -> Bool { false }

  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.sameLevel(type) }
}
