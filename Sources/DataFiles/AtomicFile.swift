import Foundation
import Tensors

/// Files that are either as they were before or complete, whatever happens in between.
package enum AtomicFile {
  /// Writes a file in one step, as seen by others and by a crash.
  ///
  /// `body` writes to a temporary file in the same directory (so that renaming stays on one file
  /// system); it is flushed to the disk, renamed to `path`, and the directory is flushed, since the
  /// new name is part of it. When `body` throws, the temporary file is removed.
  ///
  /// - Throws: `EngineError.file` naming `path`, the step and the system's reason; what `body` throws.
  package static func write(
    to path: String, _ body: (borrowing FileWriter) throws(EngineError) -> Void
  ) throws(EngineError) {
    let directory = Folders.folder(of: path)
    let folder = directory.isEmpty ? "." : directory
    let (descriptor, temporary) = try create(in: folder, for: path)
    var isOpen = true
    do throws(EngineError) {
      let writer = FileWriter(descriptor: descriptor, path: path)
      try body(writer)
      try check(fsync(descriptor) == 0, "flush", path)
      isOpen = false
      try check(close(descriptor) == 0, "close", path)
      try check(rename(temporary, path) == 0, "rename \(temporary) to", path)
    } catch {
      if isOpen { close(descriptor) }
      unlink(temporary)
      throw error
    }
    try flush(directory: folder, for: path)
  }

  /// Writes `bytes` in one step.
  package static func write(_ bytes: [UInt8], to path: String) throws(EngineError) {
    try write(to: path) { file throws(EngineError) in try file.write(bytes) }
  }

  private static func create(
    in folder: String, for path: String
  ) throws(EngineError) -> (descriptor: Int32, temporary: String) {
    while true {
      // Ranks that are threads of one process may write at the same time: the number is not enough.
      let mark = String(UInt64.random(in: .min ... .max), radix: 36)
      let temporary = "\(folder)/.apus-\(getpid())-\(mark).tmp"
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, temporary) }
      if errno != EEXIST && errno != EINTR {
        throw .file(
          path: path, message: "cannot create a file in \(folder): \(systemReason(errno))")
      }
    }
  }

  private static func flush(directory: String, for path: String) throws(EngineError) {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    try check(descriptor >= 0, "open the directory of", path)
    defer { close(descriptor) }
    // Some network file systems cannot flush directories, and say so; there is nothing to do then.
    let flushed = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP
    try check(flushed, "flush the directory of", path)
  }

  fileprivate static func check(
    _ isGood: Bool, _ step: String, _ path: String
  ) throws(EngineError) {
    if isGood { return }
    throw .file(path: path, message: "cannot \(step) the file: \(systemReason(errno))")
  }
}

/// A file that is being written.
package struct FileWriter: ~Copyable {
  fileprivate let descriptor: Int32
  fileprivate let path: String

  /// Appends `bytes`; throws ``EngineError/file(path:message:)`` when the disk does not take them.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    let code = Self.write(bytes, to: descriptor)
    if code != 0 { throw .file(path: path, message: "cannot write: \(systemReason(code))") }
  }

  /// Writes all of `bytes`.
  ///
  /// - Returns: 0, or the `errno` of what went wrong.
  package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var done = 0
    while done < bytes.count {
      guard let start = bytes.baseAddress else { break }
      // Linux writes at most 2 GB a call.
      let wrote = Foundation.write(descriptor, start + done, min(bytes.count - done, 1 << 30))
      if wrote >= 0 {
        done += wrote
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// Appends `bytes`; throws ``EngineError/file(path:message:)`` when the disk does not take them.
  package func write(_ bytes: [UInt8]) throws(EngineError) {
    let result: Result<Void, EngineError> = bytes.withUnsafeBytes { bytes in
      do throws(EngineError) { return .success(try write(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
