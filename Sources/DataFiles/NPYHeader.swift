import Tensors

/// What the header of an .npy file says.
struct NPYHeader: Equatable {
  var stored: StoredScalar
  var isBigEndian: Bool
  var isFortran: Bool
  var dimensions: [Int]
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` and nothing else of Python.
struct NPYHeaderParser {
  /// What is wrong, and at which byte of the header.
  struct Problem: Error {
    var position: Int
    var problem: EngineError.Problem
    var hint: ErrorText?
  }

  private let text: [UInt8]
  private var cursor = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func header() throws(Problem) -> NPYHeader {
    var type: (stored: StoredScalar, isBigEndian: Bool)?
    var isFortran: Bool?
    var dimensions: [Int]?
    try expect("{")
    while !accept("}") {
      skipBlanks()
      let position = cursor
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try scalarType()
      case "fortran_order" where isFortran == nil: isFortran = try boolean()
      case "shape" where dimensions == nil: dimensions = try tuple()
      case "descr", "fortran_order", "shape":
        throw Problem(position: position, problem: "the key '\(key)' is there twice")
      default: throw Problem(position: position, problem: "the key '\(key)' is unknown")
      }
      if !accept(",") {
        try expect("}")
        break
      }
    }
    skipBlanks()
    guard cursor == text.count else { throw problem("the end of the header") }
    guard let type, let isFortran, let dimensions else {
      let missing = [
        type == nil ? "'descr'" : nil, isFortran == nil ? "'fortran_order'" : nil,
        dimensions == nil ? "'shape'" : nil,
      ].compactMap { $0 }
      throw Problem(
        position: 0, problem: "the header has no \(missing.joined(separator: ", "))")
    }
    return NPYHeader(
      stored: type.stored, isBigEndian: type.isBigEndian, isFortran: isFortran,
      dimensions: dimensions)
  }

  private mutating func scalarType() throws(Problem) -> (StoredScalar, Bool) {
    skipBlanks()
    let position = cursor
    guard cursor < text.count, text[cursor] == 0x27 || text[cursor] == 0x22 else {
      throw problem("a scalar type such as '<f4' (structured types are not read)")
    }
    let name = try string()
    // '=' and no mark at all mean the byte order of the machine that wrote the file, which is
    // little endian on every machine that Swift runs on.
    let hasMark = name.first.map { "<>|=".contains($0) } ?? false
    let stored: StoredScalar? =
      switch hasMark ? String(name.dropFirst()) : name {
      case "f2": .float16
      case "f4": .float32
      case "f8": .float64
      case "i1": .int8
      case "i2": .int16
      case "i4": .int32
      case "i8": .int64
      case "u1": .uint8
      case "u2": .uint16
      case "u4": .uint32
      case "b1", "?": .bool
      default: nil
      }
    guard let stored else {
      throw Problem(
        position: position,
        problem: .expectation(
          "one of the scalar types f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 b1",
          found: "'\(name.prefix(40))'"), hint: "convert the array with .astype before saving it")
    }
    return (stored, name.first == ">")
  }

  private mutating func boolean() throws(Problem) -> Bool {
    skipBlanks()
    for (word, value) in [("True", true), ("False", false)]
    where text[cursor...].starts(with: word.utf8) {
      cursor += word.utf8.count
      return value
    }
    throw problem("True or False")
  }

  private mutating func tuple() throws(Problem) -> [Int] {
    try expect("(")
    var values: [Int] = []
    while !accept(")") {
      values.append(try integer())
      _ = accept("L")  // Python 2 wrote long integers so
      if !accept(",") {
        try expect(")")
        break
      }
    }
    return values
  }

  private mutating func integer() throws(Problem) -> Int {
    skipBlanks()
    let start = cursor
    var value = 0
    while cursor < text.count, case let digit = Int(text[cursor]) - 0x30, (0...9).contains(digit) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(digit)
      guard !overflow, !carry else {
        throw Problem(position: start, problem: "the length of an axis does not fit 64 bits")
      }
      value = sum
      cursor += 1
    }
    guard cursor > start else { throw problem("the length of an axis") }
    return value
  }

  private mutating func string() throws(Problem) -> String {
    skipBlanks()
    guard cursor < text.count, text[cursor] == 0x27 || text[cursor] == 0x22,
      let end = text[(cursor + 1)...].firstIndex(of: text[cursor])
    else { throw problem("a string in quotes") }
    let content = String(decoding: text[(cursor + 1)..<end], as: UTF8.self)
    cursor = end + 1
    return content
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
      rest.isEmpty
      ? "the end of the header" : "\"\(String(decoding: rest.prefix(20), as: UTF8.self))\""
    return Problem(position: cursor, problem: .expectation("\(expected)", found: "\(found)"))
  }
}
