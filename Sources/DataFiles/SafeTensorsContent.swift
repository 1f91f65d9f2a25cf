import OrderedCollections
import Tensors

/// A safetensors file ready to be written: the same list gives the same bytes.
///
/// Wide scalars come first, so that each tensor is aligned for programs that map the file into memory; tensors of
/// equally wide scalars keep their order. The JSON header is sorted by name.
struct SafeTensorsContent {
  private struct Entry {
    let name: String
    let shape: Shape
    let scalar: StoredScalar
    let bytes: Tensor
  }

  /// The header's length and the header, padded to 8 bytes.
  private let header: [UInt8]
  /// In the order of their bytes.
  private let tensors: [Entry]
  /// Bytes of the whole file.
  let byteCount: Int
  /// Of the whole file.
  let checksum: CRC32

  /// - Throws: `EngineError.invalidArgument` for a name that is there twice or that the format keeps for itself,
  ///   `EngineError.data` for a number that `floats` cannot hold.
  init(
    _ given: [(String, Tensor)], metadata: SafeTensors.Metadata, floats: StoredFloat = .float32
  ) throws(EngineError) {
    guard metadata[SafeTensors.checksumName] == nil else {
      throw .invalidArgument(
        message: "safetensors: the name \(SafeTensors.checksumName) in the metadata is that of the "
          + "checksum of the tensors, which every file gets")
    }
    // The standard library's sort is stable, but only documented so since Swift 6: the position says it.
    var entries: [Entry] = []
    for (name, tensor) in given {
      let (scalar, bytes) = try floats.stored(tensor, "safetensors: tensor \"\(name)\"")
      entries.append(Entry(name: name, shape: tensor.shape, scalar: scalar, bytes: bytes))
    }
    let order = entries.indices.sorted { a, b in
      let (sizeA, sizeB) = (entries[a].scalar.size, entries[b].scalar.size)
      return sizeA == sizeB ? a < b : sizeA > sizeB
    }
    tensors = order.map { entries[$0] }
    var data = CRC32()
    var dataCount = 0
    for tensor in tensors {
      tensor.bytes.withUnsafeBytes { data.update($0) }
      dataCount += tensor.bytes.spec.byteCount
    }
    var metadata = metadata
    metadata[SafeTensors.checksumName] = data.text
    header = try Self.header(tensors, metadata)
    byteCount = header.count + dataCount
    var checksum = CRC32()
    checksum.update(header)
    checksum.append(data, count: dataCount)
    self.checksum = checksum
  }

  func write(to file: borrowing FileWriter) throws(EngineError) {
    try file.write(header)
    for tensor in tensors {
      try tensor.bytes.withBytes { bytes throws(EngineError) in try file.write(bytes) }
    }
  }

  private static func header(
    _ tensors: [Entry], _ metadata: SafeTensors.Metadata
  ) throws(EngineError) -> [UInt8] {
    var entries: [(name: String, text: String)] = []
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes.spec.byteCount
      let lengths = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      entries.append(
        (
          tensor.name,
          "{\"dtype\":\"\(SafeTensors.name(of: tensor.scalar))\",\"shape\":[\(lengths)],"
            + "\"data_offsets\":[\(offset),\(end)]}"
        ))
      offset = end
    }
    entries.sort { SafeTensors.precedes($0.name, $1.name) }
    for (entry, next) in zip(entries, entries.dropFirst()) where entry.name == next.name {
      throw .invalidArgument(message: "safetensors: the name \"\(entry.name)\" is there twice")
    }
    if entries.contains(where: { $0.name == "__metadata__" }) {
      throw .invalidArgument(
        message: "safetensors: a tensor cannot have the name __metadata__, which the format keeps "
          + "for itself")
    }
    var parts = entries.map { HeaderJSON.quoted($0.name) + ":" + $0.text }
    let strings = metadata.sorted { SafeTensors.precedes($0.key, $1.key) }.map { key, value in
      HeaderJSON.quoted(key) + ":" + HeaderJSON.quoted(value)
    }
    parts.insert("\"__metadata__\":{\(strings.joined(separator: ","))}", at: 0)
    var json = Array("{\(parts.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8)
    guard json.count <= SafeTensors.longestHeader else {
      throw .invalidArgument(
        message: "safetensors: the header would have \(json.count) bytes; readers take at most "
          + "\(SafeTensors.longestHeader)")
    }
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
  }
}
