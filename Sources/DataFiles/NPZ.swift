import OrderedCollections
import Tensors

/// NumPy's archives of named arrays: a zip file whose members are .npy files.
public enum NPZ {
  /// Reads every array of an archive that `numpy.savez` or `numpy.savez_compressed` wrote.
  ///
  /// - Parameter path: the file.
  /// - Returns: the arrays, in the file's shapes, by name (without `.npy`), in the order of the archive's directory.
  /// - Throws: `EngineError.file` when the file is missing, is not a zip archive, is a zip64 archive
  ///   (more than 4 GB or 65 535 members), has a damaged member (checksums are compared), or a
  ///   member that ``NPY/read(_:)`` does not read.
  public static func read(_ path: String) throws(EngineError) -> OrderedDictionary<String, Tensor> {
    let bytes = try ByteReader(path: path, inflating: false).readAll()
    let members = try bytes.withBytes { bytes throws(EngineError) in
      try ZipDirectory(path: path, bytes: bytes).members()
    }
    var arrays: OrderedDictionary<String, Tensor> = [:]
    for member in members {
      guard member.name.hasSuffix(".npy") else {
        throw .file(
          .init(path), .expectation("members that are .npy files", found: "'\(member.name)'"))
      }
      let name = String(member.name.dropLast(4))
      guard arrays[name] == nil else {
        throw .file(path: path, message: "the member '\(member.name)' is there twice")
      }
      arrays[name] = try array(member, in: bytes, path: path)
    }
    return arrays
  }

  private static func array(
    _ member: ZipMember, in bytes: OwnedBytes, path: String
  ) throws(EngineError) -> Tensor {
    let reader = try ByteReader(
      memory: bytes, range: member.range, deflated: member.isDeflated, path: path,
      member: "member '\(member.name)'")
    reader.startChecksum()
    let tensor = try NPY.read(reader)
    guard reader.position == member.size else {
      throw reader.failure(
        "the archive's directory says \(member.size) bytes, found \(reader.position)")
    }
    guard reader.checksum == member.checksum else {
      throw reader.failure("the checksum (CRC-32) does not match: the member is damaged")
    }
    return tensor
  }
}
