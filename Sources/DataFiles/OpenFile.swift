import Foundation
import Tensors

/// A regular file open for reading, closed with this object.
final class OpenFile {
  let path: String
  /// Bytes in the file when it was opened.
  let size: Int
  private let descriptor: Int32

  /// - Throws: `EngineError.file` when the file is missing, unreadable or not a regular file.
  init(path: String) throws(EngineError) {
    // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw .file(path: path, message: "cannot open: \(systemReason(errno))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = systemReason(errno)
      close(descriptor)
      throw .file(path: path, message: "cannot read: \(reason)")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let found = status.st_mode & S_IFMT == S_IFDIR ? "a directory" : "something else"
      throw .file(.init(path), .expectation("a regular file", found: "\(found)"))
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Reads at most `output.count` bytes; 0 at the end of the file.
  func read(into output: UnsafeMutableRawBufferPointer) throws(EngineError) -> Int {
    while true {
      let got = Foundation.read(descriptor, output.baseAddress, min(output.count, 1 << 30))
      if got >= 0 { return got }
      if errno != EINTR { throw .file(path: path, message: "cannot read: \(systemReason(errno))") }
    }
  }

  /// Fills the unused part of `buffer` as far as the file goes.
  func fill(_ buffer: OwnedBytes) throws(EngineError) {
    while !buffer.unused.isEmpty {
      let got = try read(into: buffer.unused)
      if got == 0 { return }
      buffer.use(got)
    }
  }
}
