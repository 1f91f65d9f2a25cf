import Foundation
import Tensors

/// Any JSON value, for reading fixtures without declaring a type for each.
///
/// Subscripts and accessors throw a ``JSONValueError`` that says what was there instead, so that a
/// misspelt key fails the test rather than compare nothing: `let y = try example["y_true"].tensor(.float64)`.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

/// A value of a fixture is not what a test took it for.
package struct JSONValueError: Error, CustomStringConvertible {
  /// What was asked for and what is there.
  package let description: String
}

extension JSONValue: Decodable {
  /// Reads any JSON value.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }
}

extension JSONValue {
  /// The value of a key.
  ///
  /// - Throws: ``JSONValueError`` for anything but an object that has the key.
  package subscript(key: String) -> JSONValue {
    get throws {
      guard case .object(let members) = self else {
        throw mismatch("an object with a key \"\(key)\"")
      }
      guard let value = members[key] else {
        let keys = members.keys.sorted().joined(separator: ", ")
        throw JSONValueError(description: "no key \"\(key)\": there are \(keys)")
      }
      return value
    }
  }

  /// The element at `index`.
  ///
  /// - Throws: ``JSONValueError`` for anything but an array that has the element.
  package subscript(index: Int) -> JSONValue {
    get throws {
      let elements = try elements()
      guard elements.indices.contains(index) else {
        throw JSONValueError(description: "no element \(index): there are \(elements.count)")
      }
      return elements[index]
    }
  }

  /// The value of a key; nil when the key is missing or its value null.
  package func optional(_ key: String) -> JSONValue? {
    guard case .object(let members) = self, let value = members[key], value != .null else {
      return nil
    }
    return value
  }

  /// The keys of an object in alphabetical order; none for anything else.
  package var keys: [String] {
    guard case .object(let members) = self else { return [] }
    return members.keys.sorted()
  }

  /// The elements of an array.
  package func elements() throws -> [JSONValue] {
    guard case .array(let elements) = self else { throw mismatch("an array") }
    return elements
  }

  /// A number; the strings "nan", "inf" and "-inf" stand for what JSON cannot write.
  package func double() throws -> Double {
    switch self {
    case .number(let value): return value
    case .string("nan"): return .nan
    case .string("inf"): return .infinity
    case .string("-inf"): return -.infinity
    default: throw mismatch("a number")
    }
  }

  /// A whole number.
  package func int() throws -> Int {
    guard case .number(let value) = self, let whole = Int(exactly: value) else {
      throw mismatch("a whole number")
    }
    return whole
  }

  /// True or false.
  package func bool() throws -> Bool {
    guard case .bool(let value) = self else { throw mismatch("true or false") }
    return value
  }

  /// A text.
  package func string() throws -> String {
    guard case .string(let value) = self else { throw mismatch("a string") }
    return value
  }

  /// The numbers of an array, or of a tensor in row-major order.
  package func doubles() throws -> [Double] {
    let list = if case .object = self { try self["values"] } else { self }
    return try list.elements().map { try $0.double() }
  }

  private func mismatch(_ wanted: String) -> JSONValueError {
    JSONValueError(description: "wanted \(wanted), found \(String(describing: self).prefix(80))")
  }
}

extension JSONValue {
  /// The tensor written as `{"shape": [2, 3], "dtype": "float32", "values": [...]}`, as a number
  /// (rank 0), or as nested arrays of numbers, all rows of one length.
  ///
  /// - Parameter dtype: the type to make; by default the one in the file, float32 for plain numbers
  ///   and arrays.
  /// - Returns: the tensor, in the file's shape.
  /// - Throws: ``JSONValueError`` for anything else, and for rows of different lengths.
  package func tensor(_ dtype: DType? = nil) throws -> Tensor {
    guard case .object = self else {
      let (values, shape) = try nested()
      return Tensor(values, shape: Shape(shape), dtype: dtype ?? .float32)
    }
    let name = try self["dtype"].string()
    guard let stored = DType.allCases.first(where: { "\($0)" == name }) else {
      throw JSONValueError(description: "unknown dtype \"\(name)\"")
    }
    let shape = Shape(try self["shape"].elements().map { try $0.int() })
    let values = try doubles()
    guard values.count == shape.elementCount else {
      throw JSONValueError(description: "\(values.count) values do not fill shape \(shape)")
    }
    return Tensor(values, shape: shape, dtype: dtype ?? stored)
  }

  private func nested() throws -> (values: [Double], shape: [Int]) {
    guard case .array(let elements) = self else { return ([try double()], []) }
    let parts = try elements.map { try $0.nested() }
    let inner = parts.first?.shape ?? []
    guard parts.allSatisfy({ $0.shape == inner }) else {
      throw JSONValueError(description: "rows of different shapes: \(parts.map(\.shape))")
    }
    return (parts.flatMap(\.values), [elements.count] + inner)
  }
}
