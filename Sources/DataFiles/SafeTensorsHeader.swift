import OrderedCollections
import Tensors

/// The header of a safetensors file, checked.
struct SafeTensorsHeader {
  struct Entry {
    var name: String
    var stored: StoredScalar
    var dimensions: [Int]
    /// First byte and the byte after the last one, counted from the end of the header.
    var start: Int
    var end: Int
  }

  /// The tensors in the order of their bytes.
  private(set) var entries: [Entry] = []
  /// Without the checksum.
  private(set) var metadata: SafeTensors.Metadata = [:]
  /// That of the bytes of all tensors, where the file has it.
  private(set) var checksum: CRC32?

  /// Reads the header, and checks that the tensors lie one after the other to the end of the file.
  init(reading reader: ByteReader) throws(EngineError) {
    let length = try reader.readArray(8, what: "the length of a safetensors header")
      .reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(min(SafeTensors.longestHeader, reader.bound)) else {
      throw reader.failure(
        .expectation(
          "the length of the header, at most \(SafeTensors.longestHeader) and within the \(reader.bound) bytes that follow",
          found: "\(length)"), byte: 0, hint: "the file is cut short or is not a safetensors file")
    }
    let text = try reader.readArray(Int(length), what: "the header")
    let json: HeaderJSON
    do {
      json = try HeaderJSON(text)
    } catch {
      throw reader.failure("the header of \(text.count) bytes is not JSON", byte: 8)
    }
    guard case .object(let members) = json else {
      throw reader.failure(.expectation("a JSON object as header", found: "\(json.kind)"), byte: 8)
    }
    for (name, value) in members {
      if name == "__metadata__" {
        metadata = try Self.metadata(value, reader)
        // Another text is something else that another program calls so.
        checksum = metadata[SafeTensors.checksumName].flatMap(CRC32.init(text:))
        if checksum != nil { metadata[SafeTensors.checksumName] = nil }
      } else {
        entries.append(try Self.entry(name, value, reader))
      }
    }
    entries.sort { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
    try checkPlaces(reader)
  }

  private func checkPlaces(_ reader: ByteReader) throws(EngineError) {
    var expected = 0
    for entry in entries {
      guard entry.start == expected else {
        let problem = entry.start < expected ? "it overlaps another tensor" : "there is a gap"
        throw reader.failure(
          .expectation("its data from byte \(expected) of the data", found: "\(entry.start)"),
          member: "tensor \"\(entry.name)\"", hint: "\(problem)")
      }
      expected = entry.end
    }
    guard expected == reader.bound else {
      throw reader.failure(
        .expectation("\(expected) bytes of data as the header says", found: "\(reader.bound)"),
        byte: reader.position)
    }
  }

  private static func metadata(
    _ value: HeaderJSON, _ reader: ByteReader
  ) throws(EngineError) -> SafeTensors.Metadata {
    guard case .object(let members) = value else {
      throw reader.failure(
        .expectation("an object of strings", found: "\(value.kind)"), member: "__metadata__")
    }
    var metadata: SafeTensors.Metadata = [:]
    for (key, value) in members {
      guard case .string(let text) = value else {
        throw reader.failure(
          .expectation("a string", found: "\(value.kind)"), member: "__metadata__: \"\(key)\"")
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ value: HeaderJSON, _ reader: ByteReader
  ) throws(EngineError) -> Entry {
    let member = "tensor \"\(name)\""
    guard case .object = value else {
      throw reader.failure(.expectation("an object", found: "\(value.kind)"), member: member)
    }
    guard case .string(let type)? = value["dtype"] else {
      throw reader.failure("expected a string \"dtype\"", member: member)
    }
    guard let stored = SafeTensors.stored(type) else {
      throw reader.failure(
        .expectation(
          "one of the scalar types BOOL U8 I8 I16 U16 I32 U32 I64 F16 BF16 F32 F64",
          found: "\"\(type)\""), member: member)
    }
    guard let dimensions = lengths(value["shape"]) else {
      throw reader.failure(
        "expected \"shape\", an array of whole numbers from 0", member: member)
    }
    guard dimensions.count <= Tensor.mostAxes else {
      throw reader.failure(
        .expectation("at most \(Tensor.mostAxes) axes", found: "\(dimensions.count)"),
        member: member)
    }
    guard let offsets = lengths(value["data_offsets"]), offsets.count == 2,
      offsets[0] <= offsets[1]
    else {
      throw reader.failure(
        "expected \"data_offsets\", two whole numbers from 0 in ascending order", member: member)
    }
    guard offsets[1] <= reader.bound else {
      throw reader.failure(
        .expectation(
          "its data to end at byte \(offsets[1]) of the data",
          found: "\(reader.bound) bytes of data"),
        member: member, hint: "the file is cut short or its header is wrong")
    }
    guard let count = Tensor.checkedElementCount(dimensions, size: 8),
      count * stored.size == offsets[1] - offsets[0]
    else {
      throw reader.failure(
        .expectation(
          "the bytes of \(type) \(Shape(dimensions))",
          found: "\(offsets[1] - offsets[0]) bytes in \"data_offsets\""), member: member)
    }
    return Entry(
      name: name, stored: stored, dimensions: dimensions, start: offsets[0], end: offsets[1])
  }

  private static func lengths(_ value: HeaderJSON?) -> [Int]? {
    guard case .array(let elements)? = value else { return nil }
    var lengths: [Int] = []
    for element in elements {
      guard case .integer(let length) = element, length >= 0 else { return nil }
      lengths.append(length)
    }
    return lengths
  }
}
