import OrderedCollections

/// Makes a ``Structure`` of any `Encodable` value that holds tensors.
///
/// - `Tensor` is a leaf, as is a ``RandomKey``; numbers, booleans and strings are constants, `nil` is `none`
///   (synthesised encoding leaves a `nil` field out).
/// - Structs and dictionaries become dictionaries with *sorted* keys: the order of a Swift
///   `Dictionary` differs from run to run and from rank to rank. Arrays become lists.
/// - A `Structure` is taken as it is.
public struct StructureEncoder: Sendable {
  /// An encoder, for any number of values.
  public init() {}

  /// The structure of `value`.
  ///
  /// - Throws: `EngineError.structure` for what has no fixed form: a `Set`, a `Dictionary` whose
  ///   keys are not names, an integer beyond 64 bits signed, or an `encode(to:)` that fails.
  public func encode<T: Encodable>(_ value: T) throws(EngineError) -> Structure {
    let node = EncodingNode(path: [])
    do {
      try node.set(value)
      return try node.finished()
    } catch let error as EngineError {
      throw error
    } catch EncodingError.invalidValue(_, let context) {
      throw EncodingNode.error("\(context.debugDescription)", at: context.codingPath)
    } catch {
      throw .structure(message: "\(T.self) cannot be encoded: \(error)")
    }
  }
}

/// What has been encoded so far at one place of the tree.
final class EncodingNode {
  private enum Content {
    case empty
    case value(Structure)
    case list([EncodingNode])
    case dictionary([String: EncodingNode])
  }

  let path: [any CodingKey]
  private var content = Content.empty
  /// Set when a type asks for containers of two kinds; they cannot throw, so it is thrown at the
  /// end.
  private var conflict: EngineError?

  init(path: [any CodingKey]) { self.path = path }

  /// Encodes one value at this place.
  func set<T: Encodable>(_ value: T) throws {
    if let leaf = Self.leaf(value) {
      content = .value(leaf)
    } else if let dictionary = value as? any NamedEntriesEncodable {
      try dictionary.encodeEntries(into: self)
    } else if let unordered = value as? any UnorderedContainer, !type(of: unordered).hasNamedKeys {
      throw Self.error("\(T.self) has no fixed order: \(type(of: unordered).advice)", at: path)
    } else if let integer = value as? any BinaryInteger {
      guard let int = Int(exactly: integer) else {
        throw Self.error("\(integer) does not fit 64 bits signed", at: path)
      }
      content = .value(.constant(.int(int)))
    } else {
      try value.encode(to: NodeEncoder(node: self))
    }
  }

  func setNil() { content = .value(.none) }

  /// Makes this place a dictionary, also when it is one already: a superclass may add to it.
  func becomeDictionary() {
    switch content {
    case .empty: content = .dictionary([:])
    case .dictionary: break
    case .list, .value: disagree()
    }
  }

  /// Makes this place a list.
  func becomeList() {
    switch content {
    case .empty: content = .list([])
    case .list: break
    case .dictionary, .value: disagree()
    }
  }

  /// The place of `key` in this dictionary.
  func child(_ key: any CodingKey) -> EncodingNode {
    let child = EncodingNode(path: path + [key])
    guard case .dictionary(var children) = content else { return child }
    if let present = children[key.stringValue] { return present }
    content = .empty  // no second reference: the dictionary is changed in place
    children[key.stringValue] = child
    content = .dictionary(children)
    return child
  }

  /// A new place at the end of this list.
  func append() -> EncodingNode {
    guard case .list(var children) = content else { return EncodingNode(path: path) }
    let child = EncodingNode(path: path + [PathKey(.index(children.count))])
    content = .empty
    children.append(child)
    content = .list(children)
    return child
  }

  var count: Int { if case .list(let children) = content { children.count } else { 0 } }

  func finished() throws(EngineError) -> Structure {
    if let conflict { throw conflict }
    switch content {
    case .empty: return .dictionary([:])
    case .value(let structure): return structure
    case .list(let children):
      var values: [Structure] = []
      values.reserveCapacity(children.count)
      for child in children { values.append(try child.finished()) }
      return .list(values)
    case .dictionary(let children):
      var values = OrderedDictionary<String, Structure>(minimumCapacity: children.count)
      for (key, child) in children.sorted(by: { $0.key < $1.key }) {
        values[key] = try child.finished()
      }
      return .dictionary(values)
    }
  }

  static func error(_ message: ErrorText, at path: [any CodingKey]) -> EngineError {
    EngineError(.structure, operation: PathKey.path(path).pathDescription, .text(message))
  }

  private func disagree() {
    conflict = conflict ?? Self.error("the type encodes values of two kinds at one place", at: path)
  }

  private static func leaf<T>(_ value: T) -> Structure? {
    switch value {
    case let tensor as Tensor: .tensor(tensor)
    case let structure as Structure: structure
    case let key as RandomKey: .tensor(key.tensor)
    case let bool as Bool: .constant(.bool(bool))
    case let string as String: .constant(.string(string))
    case let double as Double: .constant(.double(double))
    case let float as Float: .constant(.double(Double(float)))
    default: nil
    }
  }
}
