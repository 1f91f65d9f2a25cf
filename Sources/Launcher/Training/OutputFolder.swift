import Engine
import Foundation

/// Where a training leaves its files.
struct OutputFolder: Sendable {
  let path: String

  var weights: String { path + "/weights.safetensors" }
  var history: String { path + "/history.csv" }
  var summary: String { path + "/summary.json" }
  /// A folder of states of the training.
  var state: String { path + "/state" }

  /// Makes the folder, so that a wrong path is found before the training and not after it.
  ///
  /// - Throws: ``LauncherError/output(path:message:)``.
  func create() throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw LauncherError.output(
        path: path, message: "cannot make the folder: \(error.localizedDescription)")
    }
    guard access(path, W_OK | X_OK) == 0 else {
      throw LauncherError.output(
        path: path, message: "cannot write there: \(systemReason(errno))")
    }
    try lock()
  }

  /// Keeps the folder for this process until it ends. A file system without locks does without.
  private func lock() throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // Never closed: that would give the lock up.
    guard flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
    close(descriptor)
    throw LauncherError.output(
      path: path, message: "another run is writing there; give each run a folder of its own")
  }

  /// Moves the states of an earlier training aside, so that this one begins anew and nothing is lost.
  ///
  /// - Returns: where they are now; nil where there were none.
  /// - Throws: ``LauncherError/output(path:message:)``.
  func setStatesAside() throws -> String? {
    let files = FileManager.default
    guard files.fileExists(atPath: state) else { return nil }
    let aside = state + "-before"
    do {
      if files.fileExists(atPath: aside) { try files.removeItem(atPath: aside) }
      try files.moveItem(atPath: state, toPath: aside)
    } catch {
      throw LauncherError.output(
        path: state,
        message: "cannot move the states of an earlier training: \(error.localizedDescription)")
    }
    return aside
  }

  /// Writes the result as a file of one line.
  func write(_ result: TrainingResult) throws {
    try AtomicFile.write(Array((try result.json() + "\n").utf8), to: summary)
  }
}
