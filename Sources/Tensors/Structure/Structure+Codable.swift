import OrderedCollections

/// A structure is its own encoding: a field of type `Structure` gives and takes any form.
extension Structure: Codable {
  /// Encodes the tree with any encoder: lists and dictionaries as such, tensors as `Tensor` does. Throws
  /// what `encoder` throws.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .tensor(let tensor): try tensor.encode(to: encoder)
    case .list(let values):
      var container = encoder.unkeyedContainer()
      for value in values { try container.encode(value) }
    case .dictionary(let values):
      var container = encoder.container(keyedBy: PathKey.self)
      for (key, value) in values { try container.encode(value, forKey: PathKey(.key(key))) }
    case .constant(let constant): try constant.encode(to: encoder)
    case .none:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    }
  }

  /// Takes the structure that a `StructureDecoder` holds.
  ///
  /// - Throws: `EngineError.structure` with any other decoder: from a string alone a tensor cannot be
  ///   told from a dictionary.
  public init(from decoder: any Decoder) throws {
    guard let node = decoder as? DecodingNode else {
      throw EngineError.structure(
        message: "a Structure can be decoded by StructureDecoder only, not by \(type(of: decoder))")
    }
    self = node.structure
  }
}

extension Structure.Constant {
  fileprivate func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    }
  }
}
