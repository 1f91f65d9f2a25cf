import Foundation
import OrderedCollections

/// A structure as bytes: a JSON header with its form and constants, and the tensors' elements after it.
struct StructureMessage: Codable {
  /// A structure in which each tensor is its type and shape.
  fileprivate indirect enum Form: Codable {
    case tensor(DType, [Int])
    case list([Form])
    case dictionary(keys: [String], values: [Form])
    case bool(Bool)
    case int(Int)
    /// By its bits: JSON has no NaN.
    case double(UInt64)
    case string(String)
    case none
  }

  private let form: Form

  /// - Throws: ``EngineError/distribution(message:)`` for a tensor without values.
  static func bytes(of structure: Structure) throws -> [UInt8] {
    let header = try JSONEncoder().encode(StructureMessage(form: form(of: structure)))
    var bytes = withUnsafeBytes(of: UInt64(header.count)) { Array($0) }
    bytes += header
    for tensor in structure.tensors {
      if tensor.isTraced { throw tensor.leak("it is sent to other ranks") }
      tensor.withUnsafeBytes { bytes += $0 }
    }
    return bytes
  }

  /// What ``bytes(of:)`` was given.
  static func structure(of bytes: [UInt8]) throws -> Structure {
    let length = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    let message = try JSONDecoder().decode(
      StructureMessage.self, from: Data(bytes[8..<8 + length]))
    var position = 8 + length
    return message.form.structure { spec in
      defer { position += spec.byteCount }
      return Tensor(shape: spec.shape, dtype: spec.dtype) { target in
        bytes.withUnsafeBytes { all in
          if let start = all.baseAddress {
            target.copyMemory(from: start + position, byteCount: spec.byteCount)
          }
        }
      }
    }
  }

  private static func form(of structure: Structure) -> Form {
    switch structure {
    case .tensor(let tensor): .tensor(tensor.dtype, tensor.shape.dimensions)
    case .list(let values): .list(values.map(form))
    case .dictionary(let values):
      .dictionary(keys: Array(values.keys), values: values.values.map(form))
    case .constant(.bool(let value)): .bool(value)
    case .constant(.int(let value)): .int(value)
    case .constant(.double(let value)): .double(value.bitPattern)
    case .constant(.string(let value)): .string(value)
    case .none: .none
    }
  }
}

extension StructureMessage.Form {
  fileprivate func structure(_ tensor: (TensorSpec) -> Tensor) -> Structure {
    switch self {
    case .tensor(let dtype, let shape): .tensor(tensor(TensorSpec(Shape(shape), dtype)))
    case .list(let values): .list(values.map { $0.structure(tensor) })
    case .dictionary(let keys, let values):
      .dictionary(
        OrderedDictionary(
          uniqueKeysWithValues: zip(keys, values.map { $0.structure(tensor) })))
    case .bool(let value): .constant(.bool(value))
    case .int(let value): .constant(.int(value))
    case .double(let bits): .constant(.double(Double(bitPattern: bits)))
    case .string(let value): .constant(.string(value))
    case .none: .none
    }
  }
}
