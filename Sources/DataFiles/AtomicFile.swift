import Foundation
import Tensors

/// Files that are either as they were before or complete, whatever happens in between.
package enum AtomicFile {
  /// Writes a file in one step, as seen by others and by a crash.
  ///
  /// `body` writes to a temporary file in the same directory (so that renaming stays on one file
  /// system); it is flushed to the disk, renamed to `path`, and the directory is flushed, since the
  /// new name is part of it. When `body` throws, the temporary file is removed. So are those that
  /// processes of this machine have left there because they were killed.
  ///
  /// - Throws: `EngineError.file` naming `path`, the step and the system's reason; what `body` throws.
  package static func write(
    to path: String, files: any FileLayer = SystemFiles(),
    _ body: (borrowing FileWriter) throws(EngineError) -> Void
  ) throws(EngineError) {
    let directory = Folders.folder(of: path)
    let folder = directory.isEmpty ? "." : directory
    TemporaryFile.removeAbandoned(in: folder, files: files)
    let temporary = folder + "/" + TemporaryFile.newName()
    try FileWriter.write(new: temporary, subject: path, files: files, body)
    do throws(EngineError) {
      try FileWriter.attempt(path, "rename \(temporary) to the file") { () throws(SystemError) in
        try files.rename(temporary, to: path)
      }
    } catch {
      try? files.remove(temporary)
      throw error
    }
    try FileWriter.attempt(path, "flush the directory of the file") { () throws(SystemError) in
      try files.flushFolder(folder)
    }
  }

  /// Writes `bytes` in one step.
  package static func write(
    _ bytes: [UInt8], to path: String, files: any FileLayer = SystemFiles()
  ) throws(EngineError) {
    try write(to: path, files: files) { file throws(EngineError) in try file.write(bytes) }
  }
}
