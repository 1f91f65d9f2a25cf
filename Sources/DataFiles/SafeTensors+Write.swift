import OrderedCollections
import Tensors

extension SafeTensors {
  /// Writes tensors to a file, which appears under `path` only when it is complete.
  ///
  /// The same list gives the same bytes. Wide scalars come first in the file, so that each tensor is
  /// aligned for programs that map the file into memory; tensors of equally wide scalars keep their
  /// order. The JSON header is sorted by name.
  ///
  /// - Parameters:
  ///   - tensors: names and values.
  ///   - metadata: strings to keep with them.
  ///   - path: the file; an older one is replaced in one step, and is whole until then.
  /// - Throws: `EngineError.file` when the file cannot be written, `EngineError.invalidArgument` for
  ///   a name that is there twice or is the reserved `__metadata__`.
  public static func write(
    _ tensors: [(String, Tensor)], metadata: Metadata = [:], to path: String
  ) throws(EngineError) {
    // The standard library's sort is stable, but only documented so since Swift 6: the position says it.
    let order = tensors.indices.sorted { a, b in
      let (sizeA, sizeB) = (tensors[a].1.dtype.size, tensors[b].1.dtype.size)
      return sizeA == sizeB ? a < b : sizeA > sizeB
    }
    let header = try header(order.map { tensors[$0] }, metadata)
    try AtomicFile.write(to: path) { file throws(EngineError) in
      try file.write(header)
      for index in order {
        try tensors[index].1.withBytes { bytes throws(EngineError) in try file.write(bytes) }
      }
    }
  }

  /// The first bytes of the file: the header's length and the header, padded to 8 bytes.
  private static func header(
    _ tensors: [(String, Tensor)], _ metadata: Metadata
  ) throws(EngineError) -> [UInt8] {
    var entries: [(name: String, text: String)] = []
    var offset = 0
    for (name, tensor) in tensors {
      let end = offset + tensor.spec.byteCount
      let lengths = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      entries.append(
        (
          name,
          "{\"dtype\":\"\(self.name(of: tensor.dtype))\",\"shape\":[\(lengths)],"
            + "\"data_offsets\":[\(offset),\(end)]}"
        ))
      offset = end
    }
    entries.sort { precedes($0.name, $1.name) }
    for (entry, next) in zip(entries, entries.dropFirst()) where entry.name == next.name {
      throw .invalidArgument(message: "safetensors: the name \"\(entry.name)\" is there twice")
    }
    if entries.contains(where: { $0.name == "__metadata__" }) {
      throw .invalidArgument(
        message: "safetensors: a tensor cannot have the name __metadata__, which the format keeps "
          + "for itself")
    }
    var parts = entries.map { HeaderJSON.quoted($0.name) + ":" + $0.text }
    if !metadata.isEmpty {
      let strings = metadata.sorted { precedes($0.key, $1.key) }.map { key, value in
        HeaderJSON.quoted(key) + ":" + HeaderJSON.quoted(value)
      }
      parts.insert("\"__metadata__\":{\(strings.joined(separator: ","))}", at: 0)
    }
    var json = Array("{\(parts.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8)
    guard json.count <= longestHeader else {
      throw .invalidArgument(
        message: "safetensors: the header would have \(json.count) bytes; readers take at most "
          + "\(longestHeader)")
    }
    return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
  }
}
