import Foundation
import Tensors

/// A file that is being written.
package struct FileWriter: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private let files: any FileLayer
  /// Small pieces wait here, so that the system gets large ones.
  private let buffer: OwnedBytes

  private static let bufferSize = 1 << 20

  /// Makes the file `path`, which must not exist, and closes it when `body` has written it.
  ///
  /// When anything fails there is no file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - subject: the path that errors name.
  ///   - files: the calls of the system.
  ///   - flushing: whether the file is on the disk afterwards, and not only with the system.
  ///   - body: writes the file.
  /// - Throws: `EngineError.file` naming `subject`, the step and the reason; what `body` throws.
  static func write(
    new path: String, subject: String, files: any FileLayer, flushing: Bool = true,
    _ body: (borrowing FileWriter) throws(EngineError) -> Void
  ) throws(EngineError) {
    let descriptor: Int32
    do throws(SystemError) { descriptor = try files.create(path) } catch {
      let folder = Folders.folder(of: path)
      throw error.failure(subject, "create a file in \(folder.isEmpty ? "." : folder)")
    }
    var isOpen = true
    do throws(EngineError) {
      guard let buffer = OwnedBytes(capacity: bufferSize) else {
        throw .file(path: subject, message: "no memory for \(bufferSize) bytes")
      }
      let writer = FileWriter(
        descriptor: descriptor, path: subject, files: files, buffer: buffer)
      try body(writer)
      try writer.drain()
      try attempt(subject, "flush the file") { () throws(SystemError) in
        if flushing { try files.flush(descriptor) }
      }
      isOpen = false
      try attempt(subject, "close the file") { () throws(SystemError) in
        try files.close(descriptor)
      }
    } catch {
      if isOpen { try? files.close(descriptor) }
      try? files.remove(path)
      throw error
    }
  }

  /// Calls `body`; an error says that the `step` could not be done to `path`.
  static func attempt<R>(
    _ path: String, _ step: @autoclosure () -> String, _ body: () throws(SystemError) -> R
  ) throws(EngineError) -> R {
    do throws(SystemError) { return try body() } catch { throw error.failure(path, step()) }
  }

  /// Appends `bytes`; throws ``EngineError/file(path:message:)`` when the disk does not take them.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    if bytes.count > buffer.unused.count { try drain() }
    guard bytes.count < Self.bufferSize else { return try put(bytes) }
    if bytes.isEmpty { return }
    buffer.unused.copyMemory(from: bytes)
    buffer.use(bytes.count)
  }

  /// Appends `bytes`; throws ``EngineError/file(path:message:)`` when the disk does not take them.
  package func write(_ bytes: [UInt8]) throws(EngineError) {
    let result: Result<Void, EngineError> = bytes.withUnsafeBytes { bytes in
      do throws(EngineError) { return .success(try write(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Gives the system what waits.
  private func drain() throws(EngineError) {
    try buffer.withBytes { bytes throws(EngineError) in try put(bytes) }
    buffer.clear()
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    try Self.attempt(path, "write") { () throws(SystemError) in
      var rest = bytes
      while !rest.isEmpty {
        let done = try files.write(rest, to: descriptor)
        rest = UnsafeRawBufferPointer(rebasing: rest[done...])
      }
    }
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
}
