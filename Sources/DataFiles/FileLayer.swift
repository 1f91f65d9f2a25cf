import Foundation
import Tensors

/// Why a call of the system failed.
package struct SystemError: Error, Equatable {
  /// The `errno` of the call.
  package let code: Int32

  package init(_ code: Int32) { self.code = code }

  /// An error about `path`: what could not be done, and the system's reason.
  func failure(_ path: String, _ step: String) -> EngineError {
    .file(path: path, message: "cannot \(step): \(systemReason(code))")
  }
}

/// The calls by which files and folders are changed.
///
/// What must survive a crash calls nothing else, so that tests can fail each call, end the process at
/// each one, and take the power away.
package protocol FileLayer: Sendable {
  /// Makes a file that does not exist yet, for writing; the descriptor.
  func create(_ path: String) throws(SystemError) -> Int32
  /// Writes some of `bytes`, at least one unless there are none; how many.
  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int
  /// Waits until what was written is on the disk.
  func flush(_ descriptor: Int32) throws(SystemError)
  /// Gives the descriptor up, also where it fails.
  func close(_ descriptor: Int32) throws(SystemError)
  /// Gives a file or folder another name, which a file may have already.
  func rename(_ path: String, to other: String) throws(SystemError)
  /// Makes a folder that does not exist yet.
  func makeFolder(_ path: String) throws(SystemError)
  /// Removes a file or symbolic link.
  func remove(_ path: String) throws(SystemError)
  /// Removes an empty folder.
  func removeFolder(_ path: String) throws(SystemError)
  /// The names in a folder without `.` and `..`, in no order.
  func list(_ path: String) throws(SystemError) -> [String]
  /// Waits until the names in a folder are on the disk.
  func flushFolder(_ path: String) throws(SystemError)
}

extension FileLayer {
  /// Makes a file without a byte: on a disk that is full there may be room for its name.
  func makeEmptyFile(_ path: String) throws(SystemError) { try close(create(path)) }

  /// Removes a file, or a folder with all that is in it, as far as possible; symbolic links are not followed.
  func removeTree(_ path: String) throws(SystemError) {
    guard FileKind(path) == .folder else { return try remove(path) }
    // Another process may add a file between listing and removing.
    for attempt in 0..<3 {
      for name in try list(path) { try? removeTree(path + "/" + name) }
      do throws(SystemError) {
        return try removeFolder(path)
      } catch {
        if error.code != ENOTEMPTY || attempt == 2 { throw error }
      }
    }
  }
}

/// What has a path; a symbolic link is itself.
enum FileKind {
  case file, folder, link, other

  /// - Returns: nil where there is nothing that can be seen.
  init?(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    case S_IFLNK: self = .link
    default: self = .other
    }
  }
}
