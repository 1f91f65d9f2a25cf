import OrderedCollections

/// Reads one JSON text (RFC 8259), strictly, and refuses keys that are there twice.
package struct OrderedJSONParser {
  /// What is wrong, and at which byte of the text.
  package struct Problem: Error, Equatable {
    package var position: Int
    package var message: String
  }

  private let text: [UInt8]
  private var cursor = 0
  private var depth = 0
  // Each level takes stack; headers of checkpoints have three.
  private static let mostLevels = 64

  private init(_ text: [UInt8]) { self.text = text }

  /// The value that `text` is; blanks may surround it.
  package static func parse(_ text: [UInt8]) throws(Problem) -> OrderedJSON {
    var parser = OrderedJSONParser(text)
    let value = try parser.value()
    parser.skipBlanks()
    guard parser.cursor == text.count else { throw parser.problem("the end of the JSON text") }
    return value
  }

  private mutating func value() throws(Problem) -> OrderedJSON {
    skipBlanks()
    guard cursor < text.count else { throw problem("a JSON value") }
    switch text[cursor] {
    case UInt8(ascii: "{"): return try nested { (parser) throws(Problem) in try parser.object() }
    case UInt8(ascii: "["): return try nested { (parser) throws(Problem) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func nested(
    _ body: (inout OrderedJSONParser) throws(Problem) -> OrderedJSON
  ) throws(Problem) -> OrderedJSON {
    guard depth < Self.mostLevels else {
      throw Problem(position: cursor, message: "more than \(Self.mostLevels) levels of nesting")
    }
    depth += 1
    cursor += 1
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func object() throws(Problem) -> OrderedJSON {
    var members: OrderedDictionary<String, OrderedJSON> = [:]
    if accept("}") { return .object(members) }
    repeat {
      skipBlanks()
      let position = cursor
      guard cursor < text.count, text[cursor] == UInt8(ascii: "\"") else {
        throw problem("a key in quotes")
      }
      let key = try string()
      guard members[key] == nil else {
        throw Problem(position: position, message: "the key \"\(key)\" is there twice")
      }
      try expect(":")
      members[key] = try value()
    } while accept(",")
    try expect("}")
    return .object(members)
  }

  private mutating func array() throws(Problem) -> OrderedJSON {
    var elements: [OrderedJSON] = []
    if accept("]") { return .array(elements) }
    repeat { elements.append(try value()) } while accept(",")
    try expect("]")
    return .array(elements)
  }

  private mutating func string() throws(Problem) -> String {
    let start = cursor
    cursor += 1
    var bytes: [UInt8] = []
    while cursor < text.count {
      let byte = text[cursor]
      if byte == UInt8(ascii: "\"") {
        cursor += 1
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw Problem(position: start, message: "the string is not valid UTF-8")
        }
        return string
      }
      if byte == UInt8(ascii: "\\") {
        bytes += try escape()
      } else if byte < 0x20 {
        throw problem("no control character inside a string")
      } else {
        bytes.append(byte)
        cursor += 1
      }
    }
    throw Problem(position: start, message: "the string that begins here never ends")
  }

  /// The UTF-8 bytes of the escape sequence at the cursor.
  private mutating func escape() throws(Problem) -> [UInt8] {
    let start = cursor
    guard cursor + 1 < text.count else { throw problem("an escape sequence") }
    cursor += 2
    switch text[cursor - 1] {
    case UInt8(ascii: "\""): return [0x22]
    case UInt8(ascii: "\\"): return [0x5C]
    case UInt8(ascii: "/"): return [0x2F]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try hexadecimalDigits()
      if (0xD800..<0xDC00).contains(code), text[cursor...].starts(with: "\\u".utf8) {
        cursor += 2
        let low = try hexadecimalDigits()
        guard (0xDC00..<0xE000).contains(low) else {
          throw Problem(position: start, message: "half of a surrogate pair")
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw Problem(position: start, message: "half of a surrogate pair")
      }
      return Array(String(Character(scalar)).utf8)
    default: throw Problem(position: start, message: "an unknown escape sequence")
    }
  }

  private mutating func hexadecimalDigits() throws(Problem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard cursor < text.count,
        let digit = Character(Unicode.Scalar(text[cursor])).hexDigitValue
      else { throw problem("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      cursor += 1
    }
    return value
  }

  private mutating func number() throws(Problem) -> OrderedJSON {
    let start = cursor
    if cursor < text.count, text[cursor] == UInt8(ascii: "-") { cursor += 1 }
    let leading = cursor
    let whole = skipDigits()
    guard whole > 0 else {
      cursor = start
      throw problem("a JSON value")
    }
    guard whole == 1 || text[leading] != UInt8(ascii: "0") else {
      throw Problem(position: start, message: "a number that begins with a zero")
    }
    var isWhole = true
    if cursor < text.count, text[cursor] == UInt8(ascii: ".") {
      isWhole = false
      cursor += 1
      guard skipDigits() > 0 else { throw problem("digits after the point") }
    }
    if cursor < text.count, text[cursor] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      cursor += 1
      if cursor < text.count, text[cursor] == 0x2B || text[cursor] == 0x2D { cursor += 1 }
      guard skipDigits() > 0 else { throw problem("digits of an exponent") }
    }
    let digits = String(decoding: text[start..<cursor], as: UTF8.self)
    if isWhole, let integer = Int(digits) { return .integer(integer) }
    guard let number = Double(digits) else {
      throw Problem(position: start, message: "a number that is not one")
    }
    return .number(number)
  }

  private mutating func skipDigits() -> Int {
    let start = cursor
    while cursor < text.count, (0x30...0x39).contains(text[cursor]) { cursor += 1 }
    return cursor - start
  }

  private mutating func word(_ word: String, _ value: OrderedJSON) throws(Problem) -> OrderedJSON {
    guard text[cursor...].starts(with: word.utf8) else { throw problem("a JSON value") }
    cursor += word.utf8.count
    return value
  }

  private mutating func skipBlanks() {
    while cursor < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[cursor]) { cursor += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard cursor < text.count, UInt32(text[cursor]) == character.value else { return false }
    cursor += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Problem) {
    if !accept(character) { throw problem("'\(character)'") }
  }

  private func problem(_ expected: String) -> Problem {
    let rest = text[min(cursor, text.count)...]
    let found =
      rest.isEmpty ? "the end" : "\"\(String(decoding: rest.prefix(20), as: UTF8.self))\""
    return Problem(position: cursor, message: "expected \(expected), found \(found)")
  }
}
