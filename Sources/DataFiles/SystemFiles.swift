import Foundation

/// Files of the operating system.
package struct SystemFiles: FileLayer {
  package init() {}

  package func create(_ path: String) throws(SystemError) -> Int32 {
    while true {
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return descriptor }
      if errno != EINTR { throw SystemError(errno) }
    }
  }

  package func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
  ) throws(SystemError) -> Int {
    while true {
      // Linux writes at most 2 GB a call.
      let wrote = Foundation.write(descriptor, bytes.baseAddress, min(bytes.count, 1 << 30))
      if wrote > 0 || (wrote == 0 && bytes.isEmpty) { return wrote }
      if wrote == 0 { throw SystemError(EIO) }
      if errno != EINTR { throw SystemError(errno) }
    }
  }

  package func flush(_ descriptor: Int32) throws(SystemError) {
    while fsync(descriptor) != 0 {
      if errno != EINTR { throw SystemError(errno) }
    }
  }

  package func close(_ descriptor: Int32) throws(SystemError) {
    // After EINTR the descriptor is gone on Linux, and another thread may have it already.
    guard Foundation.close(descriptor) == 0 || errno == EINTR else { throw SystemError(errno) }
  }

  package func rename(_ path: String, to other: String) throws(SystemError) {
    try check(Foundation.rename(path, other))
  }

  package func makeFolder(_ path: String) throws(SystemError) { try check(mkdir(path, 0o777)) }

  package func remove(_ path: String) throws(SystemError) { try check(unlink(path)) }

  package func removeFolder(_ path: String) throws(SystemError) { try check(rmdir(path)) }

  package func list(_ path: String) throws(SystemError) -> [String] {
    guard let folder = opendir(path) else { throw SystemError(errno) }
    defer { closedir(folder) }
    guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { throw SystemError(EIO) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else { break }
      // The record ends with the name: it may be shorter than the type says.
      let start = UnsafeRawPointer(entry) + offset
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
    if errno != 0 { throw SystemError(errno) }
    return names
  }

  package func flushFolder(_ path: String) throws(SystemError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard descriptor >= 0 else { throw SystemError(errno) }
    defer { Foundation.close(descriptor) }
    // Some network file systems cannot flush folders, and say so; there is nothing to do then.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw SystemError(errno)
    }
  }

  private func check(_ result: Int32) throws(SystemError) {
    if result != 0 { throw SystemError(errno) }
  }
}
