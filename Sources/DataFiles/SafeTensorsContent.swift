import OrderedCollections
import Tensors

/// A safetensors file ready to be written: the same list gives the same bytes.
///
/// Wide scalars come first, so that each tensor is aligned for programs that map the file into memory; tensors of
/// equally wide scalars keep their order. The JSON header is sorted by name.
struct SafeTensorsContent {
  /// The header's length and the header, padded to 8 bytes.
  private let header: [UInt8]
  /// In the order of their bytes.
  private let tensors: [(name: String, value: Tensor)]
  /// Bytes of the whole file.
  let byteCount: Int
  /// Of the whole file.
  let checksum: CRC32

  /// - Throws: `EngineError.invalidArgument` for a name that is there twice or that the format keeps for itself.
  init(_ given: [(String, Tensor)], metadata: SafeTensors.Metadata) throws(EngineError) {
    guard metadata[SafeTensors.checksumName] == nil else {
      throw .invalidArgument(
        message: "safetensors: the name \(SafeTensors.checksumName) in the metadata is that of the "
          + "checksum of the tensors, which every file gets")
    }
    // The standard library's sort is stable, but only documented so since Swift 6: the position says it.
    let order = given.indices.sorted { a, b in
      let (sizeA, sizeB) = (given[a].1.dtype.size, given[b].1.dtype.size)
      return sizeA == sizeB ? a < b : sizeA > sizeB
    }
    tensors = order.map { (name: given[$0].0, value: given[$0].1) }
    var data = CRC32()
    var dataCount = 0
    for (_, tensor) in tensors {
      tensor.withUnsafeBytes { data.update($0) }
      dataCount += tensor.spec.byteCount
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
    for (_, tensor) in tensors {
      try tensor.withBytes { bytes throws(EngineError) in try file.write(bytes) }
    }
  }

  private static func header(
    _ tensors: [(name: String, value: Tensor)], _ metadata: SafeTensors.Metadata
  ) throws(EngineError) -> [UInt8] {
    var entries: [(name: String, text: String)] = []
    var offset = 0
    for (name, tensor) in tensors {
      let end = offset + tensor.spec.byteCount
      let lengths = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      entries.append(
        (
          name,
          "{\"dtype\":\"\(SafeTensors.name(of: tensor.dtype))\",\"shape\":[\(lengths)],"
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
