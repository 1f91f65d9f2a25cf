import OrderedCollections
import Tensors

extension SafeTensors {
  /// Writes tensors to a file, which appears under `path` only when it is complete.
  ///
  /// The same list gives the same bytes. Wide scalars come first in the file, so that each tensor is
  /// aligned for programs that map the file into memory; tensors of equally wide scalars keep their
  /// order. The JSON header is sorted by name. A checksum of the tensors' bytes, `crc32`, goes with the
  /// strings; ``read(_:)`` compares it.
  ///
  /// - Parameters:
  ///   - tensors: names and values.
  ///   - metadata: strings to keep with them.
  ///   - floats: how tensors of float32 are kept, as they are by default. Others are kept as they are.
  ///   - path: the file; an older one is replaced in one step, and is whole until then.
  /// - Throws: `EngineError.file` when the file cannot be written, `EngineError.invalidArgument` for
  ///   a name that is there twice, is the reserved `__metadata__`, or is `crc32` in `metadata`,
  ///   `EngineError.data` for a finite number that `floats` cannot hold.
  public static func write(
    _ tensors: [(String, Tensor)], metadata: Metadata = [:], floats: StoredFloat = .float32,
    to path: String
  ) throws(EngineError) {
    let content = try SafeTensorsContent(tensors, metadata: metadata, floats: floats)
    try AtomicFile.write(to: path) { file throws(EngineError) in try content.write(to: file) }
  }
}
