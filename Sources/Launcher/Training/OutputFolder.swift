import Engine
import Foundation

/// Where a training leaves its files.
struct OutputFolder: Sendable {
  let path: String

  var weights: String { path + "/weights.safetensors" }
  var history: String { path + "/history.csv" }
  var summary: String { path + "/summary.json" }

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
        path: path, message: "cannot write there: \(String(cString: strerror(errno)))")
    }
  }

  /// Writes the result as a file of one line.
  func write(_ result: TrainingResult) throws {
    try AtomicFile.write(Array((try result.json() + "\n").utf8), to: summary)
  }
}
