import Foundation
import Tensors

/// Folders that files are written to.
package enum Folders {
  /// Makes a folder and those above it, unless they are there.
  ///
  /// - Parameters:
  ///   - folder: the path; an empty one is the current folder.
  ///   - files: the calls of the system.
  ///   - flushing: whether the names of new folders are on the disk afterwards.
  /// - Throws: ``EngineError/file(path:message:)`` that names the folder and the system's reason.
  package static func make(
    _ folder: String, files: any FileLayer = SystemFiles(), flushing: Bool = false
  ) throws(EngineError) {
    if folder.isEmpty { return }
    var status = stat()
    if stat(folder, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw failure(folder, EEXIST) }
      return
    }
    let parent = self.folder(of: folder)
    try make(parent, files: files, flushing: flushing)
    do throws(SystemError) {
      try files.makeFolder(folder)
      if flushing { try files.flushFolder(parent.isEmpty ? "." : parent) }
    } catch {
      if error.code != EEXIST { throw failure(folder, error.code) }
    }
  }

  /// The path from the root; as it is where the current folder is gone.
  package static func absolute(_ path: String) -> String {
    let current = FileManager.default.currentDirectoryPath
    if path.hasPrefix("/") || path.isEmpty || current.isEmpty { return path }
    return (current == "/" ? "" : current) + "/" + path
  }

  /// Makes the folder of a file.
  ///
  /// - Throws: as ``make(_:)`` does.
  package static func make(for file: String) throws(EngineError) {
    try make(folder(of: file))
  }

  /// The folder of a path: what stands before the last name and its slash, `/` for names at the root, and empty without a slash.
  ///
  /// Foundation's `deletingLastPathComponent` traps on a path of one letter (Swift 6.3 on Linux).
  package static func folder(of path: String) -> String {
    func withoutSlashes(_ text: Substring) -> Substring {
      var text = text
      while text.count > 1, text.last == "/" { text = text.dropLast() }
      return text
    }
    let path = withoutSlashes(path[...])
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(withoutSlashes(path[..<slash]))
  }

  private static func failure(_ folder: String, _ code: Int32) -> EngineError {
    let reason = code == EEXIST ? "there is a file of this name" : systemReason(code)
    return .file(path: folder, message: "cannot make the folder: \(reason)")
  }
}
