import Engine
import Foundation

/// Files with everything that each rank writes, a pair for each attempt: `rank-3.restart-0.out` and `.err`.
struct RankLogs {
  private let folder: String
  private let attempt: Int
  private var files: [String: Int32] = [:]

  /// Makes the folder.
  ///
  /// - Throws: ``LauncherError/logs(path:message:)`` when it cannot be made or written to.
  static func prepare(_ folder: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw LauncherError.logs(
        path: folder, message: "cannot make the folder: \(systemReason(errno))")
    }
    guard access(folder, W_OK) == 0 else {
      throw LauncherError.logs(path: folder, message: systemReason(errno))
    }
  }

  /// Files of an attempt, counted from 0, in a folder that is there.
  init(folder: String, attempt: Int) { (self.folder, self.attempt) = (folder, attempt) }

  /// Writes what a rank wrote. What a full disk does not take is left out: it must not end the job.
  mutating func add(_ bytes: [UInt8], rank: Int, isError: Bool) {
    let name = "\(folder)/rank-\(rank).restart-\(attempt).\(isError ? "err" : "out")"
    let file = files[name] ?? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    files[name] = file
    if file >= 0 { Descriptor.write(bytes, to: file) }
  }

  /// Closes the files.
  mutating func finish() {
    for file in files.values where file >= 0 { close(file) }
    files = [:]
  }
}
