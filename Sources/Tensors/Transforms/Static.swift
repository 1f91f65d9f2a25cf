import Foundation

/// A value that is compiled into a jitted function: a number that shapes, loops or conditions depend on.
///
/// ```swift
/// let power = jit { (x: Tensor, n: Static<Int>) in (1..<n.value).reduce(x) { y, _ in y * x } }
/// try power(x, Static(3))  // compiled for 3
/// ```
///
/// In a struct it is a property wrapper, `@Static var layers = 2`. The function is compiled again for every value; a number
/// that only takes part in arithmetic is better taken as a ``Tensor``, which is traced.
@propertyWrapper
public struct Static<Value: Codable> {
  /// What is compiled in: a plan is made for each value.
  public var wrappedValue: Value

  /// ``wrappedValue``, where there is no property wrapper.
  public var value: Value { wrappedValue }

  /// A value to be compiled in.
  public init(_ value: Value) { wrappedValue = value }

  /// A property whose value is compiled in.
  public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

extension Static: Sendable where Value: Sendable {}

/// In a structure of tensors the value is a string, and so a part of the structure's form.
extension Static: Codable {
  /// Reads the value, in a structure of tensors from JSON. Throws what `decoder` and `Value` throw.
  public init(from decoder: any Decoder) throws {
    guard decoder is DecodingNode else {
      self.init(try Value(from: decoder))
      return
    }
    let string = try decoder.singleValueContainer().decode(String.self)
    let json = JSONDecoder()
    json.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self.init(try json.decode(Value.self, from: Data(string.utf8)))
  }

  /// Writes the value, into a structure of tensors as JSON. Throws what `encoder` and `Value` throw.
  public func encode(to encoder: any Encoder) throws {
    guard encoder is NodeEncoder else { return try wrappedValue.encode(to: encoder) }
    let json = JSONEncoder()
    json.outputFormatting = .sortedKeys
    json.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var container = encoder.singleValueContainer()
    try container.encode(String(decoding: json.encode(wrappedValue), as: UTF8.self))
  }
}
