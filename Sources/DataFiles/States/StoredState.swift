import Foundation
import Tensors

/// A state that was read: what its manifest says. Files are read when asked for, and compared with it again.
package struct StoredState: Sendable {
  package let entry: StateEntry
  /// The program that saved it.
  package let writtenBy: String
  /// The JSON that was given when it was saved, byte for byte.
  package let payload: Data
  /// In the order of their names.
  package let files: [FileSum]

  /// Reads the manifest and compares the sizes of all files, and their checksums if `verifying`.
  init(_ entry: StateEntry, verifying: Bool) throws(EngineError) {
    guard FileKind(entry.path) == .folder else {
      throw .file(path: entry.path, message: "not a folder, or none that can be read")
    }
    let manifest = try StateManifest(in: entry.path)
    guard manifest.ordinal == entry.ordinal else {
      throw .file(
        .init(entry.path + "/" + StateManifest.fileName),
        .expectation("the state of step \(entry.ordinal)", found: "that of \(manifest.ordinal)"),
        hint: "the folder was renamed")
    }
    self.entry = entry
    writtenBy = manifest.writtenBy
    payload = manifest.payload
    files = manifest.files
    for file in files { try check(file, contents: verifying) }
  }

  /// The path of a file of the state, which need not exist.
  package func path(of name: String) -> String { entry.path + "/" + name }

  /// Whether the state has a file of this name.
  package func has(_ name: String) -> Bool { files.contains { $0.name == name } }

  /// Reads a file.
  ///
  /// - Throws: `EngineError.file` when the state has no such file, or when it is not what was saved.
  package func bytes(of name: String) throws(EngineError) -> [UInt8] {
    let file = try file(name)
    let reader = try open(file)
    reader.startChecksum()
    let bytes = try reader.readArray(file.byteCount, what: "a file of a state")
    try compare(file, CRC32(value: reader.checksum ?? 0))
    return bytes
  }

  /// Reads a safetensors file into memory of its own.
  ///
  /// - Throws: `EngineError.file` when the state has no such file, or when it is not what was saved.
  package func tensors(
    of name: String
  ) throws(EngineError) -> (tensors: SafeTensors.Tensors, metadata: SafeTensors.Metadata) {
    let file = try file(name)
    let found = try SafeTensors.read(open(file))
    try compare(file, found.checksum)
    return (found.tensors, found.metadata)
  }

  private func file(_ name: String) throws(EngineError) -> FileSum {
    guard let file = files.first(where: { $0.name == name }) else {
      let names = files.map(\.name).joined(separator: ", ")
      throw .file(
        path: path(of: name),
        message: "the state has no such file; it has \(names.isEmpty ? "none" : names)")
    }
    return file
  }

  private func open(_ file: FileSum) throws(EngineError) -> ByteReader {
    let reader = try Self.open(path(of: file.name), most: Int.max)
    guard reader.storedSize == file.byteCount else {
      throw reader.failure(
        .expectation("\(file.byteCount) bytes as the manifest says", found: "\(reader.storedSize)"))
    }
    return reader
  }

  private func check(_ file: FileSum, contents: Bool) throws(EngineError) {
    let reader = try open(file)
    guard contents else { return }
    let size = 1 << 20
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    defer { piece.deallocate() }
    reader.startChecksum()
    while try reader.read(into: piece) > 0 {}
    try compare(file, CRC32(value: reader.checksum ?? 0))
  }

  private func compare(_ file: FileSum, _ found: CRC32) throws(EngineError) {
    guard found == file.checksum else {
      throw .file(
        path: path(of: file.name),
        message: "the file is damaged: its bytes have the checksum \(found.text), and had "
          + "\(file.checksum.text) when it was written")
    }
  }

  /// Opens a file of a state, which is never a link to somewhere else.
  static func open(_ path: String, most: Int) throws(EngineError) -> ByteReader {
    guard FileKind(path) != .link else {
      throw .file(.init(path), .expectation("a file", found: "a symbolic link"))
    }
    let reader = try ByteReader(path: path, inflating: false)
    guard reader.storedSize <= most else {
      throw reader.failure(
        .expectation("at most \(most) bytes", found: "\(reader.storedSize)"))
    }
    return reader
  }
}
