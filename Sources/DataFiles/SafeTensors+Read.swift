import OrderedCollections
import Tensors

extension SafeTensors {
  /// Reads every tensor of a file, and the strings kept with them.
  ///
  /// Where the strings have a checksum of the tensors, as in every file that ``write(_:metadata:to:)``
  /// makes, it is compared and left out.
  ///
  /// - Parameter path: the file.
  /// - Returns: the tensors in the order of their bytes in the file. F16 and BF16 become float32;
  ///   I8, I16 and U16 int32; U32 int64.
  /// - Throws: `EngineError.file` when the file is missing, cut short or too long, when its header is
  ///   not what the format asks for, when places of tensors overlap or leave gaps, for another
  ///   scalar type, or when the tensors do not have their checksum.
  public static func read(
    _ path: String
  ) throws(EngineError) -> (tensors: Tensors, metadata: Metadata) {
    let found = try read(ByteReader(path: path, inflating: false))
    return (found.tensors, found.metadata)
  }

  /// Reads a file from its first byte on.
  ///
  /// - Returns: `checksum` is that of the whole file.
  static func read(
    _ reader: ByteReader
  ) throws(EngineError) -> (tensors: Tensors, metadata: Metadata, checksum: CRC32) {
    reader.startChecksum()
    let header = try SafeTensorsHeader(reading: reader)
    var whole = CRC32(value: reader.checksum ?? 0)
    let start = reader.position
    reader.startChecksum()
    var tensors: Tensors = [:]
    for entry in header.entries {
      tensors[entry.name] = try reader.readTensor(
        entry.dimensions, entry.stored, bigEndian: false)
    }
    try reader.expectEnd(after: "\(header.entries.count) tensors")
    let data = CRC32(value: reader.checksum ?? 0)
    guard data == header.checksum ?? data else {
      throw reader.failure(
        "the file is damaged: the bytes of its tensors have the checksum \(data.text), and had \(header.checksum?.text ?? "none") when it was written",
        hint:
          "take another copy of it; where a program has changed tensors and kept the metadata, remove \"\(checksumName)\" from these"
      )
    }
    whole.append(data, count: reader.position - start)
    return (tensors, header.metadata, whole)
  }

  /// Reads the tensors that a model expects.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - specs: names with their shapes and scalar types.
  ///   - ignoringOthers: whether the file may hold further tensors.
  /// - Returns: the tensors in the order of `specs`.
  /// - Throws: `EngineError.file` as ``read(_:)`` does, and when a tensor is missing, has another
  ///   shape or type, or is not expected.
  public static func read(
    _ path: String, expecting specs: OrderedDictionary<String, TensorSpec>,
    ignoringOthers: Bool = false
  ) throws(EngineError) -> (tensors: Tensors, metadata: Metadata) {
    let found = try read(path)
    let others = Array(found.tensors.keys).filter { specs[$0] == nil }
    var tensors: Tensors = [:]
    for (name, spec) in specs {
      guard let tensor = found.tensors[name] else {
        let names = list(others)
        throw .file(
          path: path,
          message: "there is no tensor \"\(name)\" (\(spec)); "
            + (names.isEmpty ? "there are no others either" : "not asked for are \(names)"))
      }
      guard tensor.spec == spec else {
        throw .file(
          .init(path, member: "tensor \"\(name)\""),
          .expectation("\(spec)", found: "\(tensor.spec)"))
      }
      tensors[name] = tensor
    }
    guard ignoringOthers || others.isEmpty else {
      throw .file(path: path, message: "there are tensors that were not asked for: \(list(others))")
    }
    return (tensors, found.metadata)
  }

  /// What a file holds, read from its header alone.
  ///
  /// - Returns: names with shapes and the scalar types that ``read(_:)`` would give, and the strings.
  /// - Throws: `EngineError.file` as ``read(_:)`` does for a damaged header.
  public static func inspect(
    _ path: String
  ) throws(EngineError) -> (specs: OrderedDictionary<String, TensorSpec>, metadata: Metadata) {
    let header = try SafeTensorsHeader(reading: ByteReader(path: path, inflating: false))
    var specs: OrderedDictionary<String, TensorSpec> = [:]
    for entry in header.entries {
      specs[entry.name] = TensorSpec(Shape(entry.dimensions), entry.stored.dtype)
    }
    return (specs, header.metadata)
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(8).map { "\"\($0)\"" }.joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
