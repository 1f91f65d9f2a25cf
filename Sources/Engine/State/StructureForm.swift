import OrderedCollections
import Tensors

/// A ``Structure`` in a JSON file, with its tensors elsewhere, in order.
///
/// Numbers with a fraction are strings, so that they come back with all bits, also NaN and infinity.
struct StructureForm: Codable, Sendable {
  private enum Content {
    case tensor
    case list([StructureForm])
    case dictionary([Entry])
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case none
  }

  private struct Entry: Codable {
    let key: String
    let value: StructureForm
  }

  private enum Key: String, CodingKey {
    case tensor, list, dictionary, bool, int, double, string, none
  }

  private let content: Content

  /// The form of `structure`; its tensors are ``Structure/tensors``.
  init(_ structure: Structure) {
    content =
      switch structure {
      case .tensor: .tensor
      case .list(let values): .list(values.map(StructureForm.init))
      case .dictionary(let values):
        .dictionary(values.map { Entry(key: $0.key, value: StructureForm($0.value)) })
      case .constant(.bool(let value)): .bool(value)
      case .constant(.int(let value)): .int(value)
      case .constant(.double(let value)): .double(value)
      case .constant(.string(let value)): .string(value)
      case .none: .none
      }
  }

  /// How many tensors there are.
  var tensorCount: Int {
    switch content {
    case .tensor: 1
    case .list(let values): values.reduce(0) { $0 + $1.tensorCount }
    case .dictionary(let entries): entries.reduce(0) { $0 + $1.value.tensorCount }
    case .bool, .int, .double, .string, .none: 0
    }
  }

  /// The structure with these tensors, as many as ``tensorCount``.
  func structure(_ tensors: [Tensor]) -> Structure {
    var rest = tensors[...]
    return structure(taking: &rest)
  }

  private func structure(taking tensors: inout ArraySlice<Tensor>) -> Structure {
    switch content {
    case .tensor: return tensors.popFirst().map(Structure.tensor) ?? .none
    case .list(let values): return .list(values.map { $0.structure(taking: &tensors) })
    case .dictionary(let entries):
      var values = OrderedDictionary<String, Structure>()
      for entry in entries { values[entry.key] = entry.value.structure(taking: &tensors) }
      return .dictionary(values)
    case .bool(let value): return .constant(.bool(value))
    case .int(let value): return .constant(.int(value))
    case .double(let value): return .constant(.double(value))
    case .string(let value): return .constant(.string(value))
    case .none: return .none
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch content {
    case .tensor: try container.encode(true, forKey: .tensor)
    case .list(let values): try container.encode(values, forKey: .list)
    case .dictionary(let entries): try container.encode(entries, forKey: .dictionary)
    case .bool(let value): try container.encode(value, forKey: .bool)
    case .int(let value): try container.encode(value, forKey: .int)
    case .double(let value): try container.encode(ExactNumber(value), forKey: .double)
    case .string(let value): try container.encode(value, forKey: .string)
    case .none: try container.encode(true, forKey: .none)
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    guard let key = container.allKeys.first else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a value without a type"))
    }
    content =
      switch key {
      case .tensor: .tensor
      case .list: .list(try container.decode([StructureForm].self, forKey: .list))
      case .dictionary: .dictionary(try container.decode([Entry].self, forKey: .dictionary))
      case .bool: .bool(try container.decode(Bool.self, forKey: .bool))
      case .int: .int(try container.decode(Int.self, forKey: .int))
      case .double: .double(try container.decode(ExactNumber.self, forKey: .double).value)
      case .string: .string(try container.decode(String.self, forKey: .string))
      case .none: .none
      }
  }
}

/// A number as a string, which gives the same bits when it is read.
struct ExactNumber: Codable, Hashable, Sendable {
  let value: Double

  init(_ value: Double) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    // The bits of a NaN are part of what is remembered too.
    try container.encode(
      value.isNaN ? "nan:" + String(value.bitPattern, radix: 16) : value.description)
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    let bits = text.hasPrefix("nan:") ? UInt64(text.dropFirst(4), radix: 16) : nil
    guard let value = bits.map(Double.init(bitPattern:)) ?? Double(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is no number")
    }
    self.value = value
  }
}
