import Foundation

/// A folder of this process for files that tests write; it goes with the system's temporary files.
public enum TemporaryFolder {
  private static let folder: URL = {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apus-tests-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }()

  /// The path of a file in it.
  public static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
}
