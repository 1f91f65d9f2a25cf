// The generic `encode` of each container also serves the requirements for single scalar types, so
// that every value takes the one way through `EncodingNode.set`.

/// The encoder that a type's `encode(to:)` sees.
struct NodeEncoder: Encoder {
  let node: EncodingNode
  var codingPath: [any CodingKey] { node.path }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    node.becomeDictionary()
    return KeyedEncodingContainer(KeyedNode<Key>(node: node))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    node.becomeList()
    return UnkeyedNode(node: node)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { SingleNode(node: node) }
}

private struct KeyedNode<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: EncodingNode
  var codingPath: [any CodingKey] { node.path }

  func encodeNil(forKey key: Key) throws { node.child(key).setNil() }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try node.child(key).set(value) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    NodeEncoder(node: node.child(key)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    NodeEncoder(node: node.child(key)).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { NodeEncoder(node: node.child(PathKey.superclass)) }

  func superEncoder(forKey key: Key) -> any Encoder { NodeEncoder(node: node.child(key)) }
}

private struct UnkeyedNode: UnkeyedEncodingContainer {
  let node: EncodingNode
  var codingPath: [any CodingKey] { node.path }
  var count: Int { node.count }

  func encodeNil() throws { node.append().setNil() }

  func encode<T: Encodable>(_ value: T) throws { try node.append().set(value) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    NodeEncoder(node: node.append()).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    NodeEncoder(node: node.append()).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { NodeEncoder(node: node.append()) }
}

private struct SingleNode: SingleValueEncodingContainer {
  let node: EncodingNode
  var codingPath: [any CodingKey] { node.path }

  func encodeNil() throws { node.setNil() }

  func encode<T: Encodable>(_ value: T) throws { try node.set(value) }
}
