import Foundation
import Tensors

/// The header of a file of weights as data: any JSON text, read by Foundation.
enum HeaderJSON {
  case null
  case bool(Bool)
  /// A whole number that fits 64 bits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([HeaderJSON])
  /// Members in ascending order of their names, since Foundation does not keep the order of the text.
  case object([(name: String, value: HeaderJSON)])

  /// - Throws: `DecodingError` for a text that is not JSON.
  init(_ text: [UInt8]) throws {
    self = try JSONDecoder().decode(HeaderJSON.self, from: Data(text))
  }

  /// The member with this name of an object.
  subscript(name: String) -> HeaderJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// `text` as a JSON string, in quotes.
  static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A text can always be written as JSON.
    return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}

extension HeaderJSON: Decodable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  init(from decoder: any Decoder) throws {
    if let members = try? decoder.container(keyedBy: Name.self) {
      self = .object(
        try members.allKeys.sorted { $0.stringValue < $1.stringValue }.map {
          ($0.stringValue, try members.decode(HeaderJSON.self, forKey: $0))
        })
      return
    }
    if var elements = try? decoder.unkeyedContainer() {
      var values: [HeaderJSON] = []
      while !elements.isAtEnd { values.append(try elements.decode(HeaderJSON.self)) }
      self = .array(values)
      return
    }
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let text = try? value.decode(String.self) {
      self = .string(text)
    } else if let boolean = try? value.decode(Bool.self) {
      self = .bool(boolean)
    } else if let number = try? value.decode(Int.self) {
      self = .integer(number)
    } else {
      self = .number(try value.decode(Double.self))
    }
  }
}
