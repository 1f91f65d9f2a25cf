import DataFiles
import Foundation
import Tensors
import Testing

/// Files that `Tests/Reference/make_data_fixtures.py` wrote, and files that a test writes itself.
enum DataFixture {
  /// The path of a file that the script wrote.
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Fixtures/data/\(name)").path
  }

  /// The bytes of a file that the script wrote.
  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// What the script put into its arrays: 7 i mod 23, minus 5 for types with a sign.
  static func values(_ count: Int, signed: Bool = true) -> [Double] {
    (0..<count).map { Double($0 * 7 % 23 - (signed ? 5 : 0)) }
  }

  /// Calls `body` with the path of a file that holds `bytes`, and removes the file after it.
  static func withFile<R>(
    _ bytes: some Sequence<UInt8>, named name: String = "file", _ body: (String) throws -> R
  ) throws -> R {
    try withFolder { folder in
      let path = folder + "/" + name
      try write(bytes, to: path)
      return try body(path)
    }
  }

  /// Writes a file as it is, without the safeguards (and the waiting) of `AtomicFile`.
  static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  /// The bytes of any file.
  static func content(_ path: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Calls `body` with the path of a new folder, and removes the folder after it.
  static func withFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("apus-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }

  /// Expects `body` to throw an error of a file about `path` with every one of `texts` in it.
  static func expectFileError(
    _ path: String, _ texts: [String], sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("no error, expected \(texts)", sourceLocation: sourceLocation)
    } catch let error as EngineError {
      #expect(error.kind == .file && error.file?.path == path, sourceLocation: sourceLocation)
      for text in texts {
        #expect(error.description.contains(text), sourceLocation: sourceLocation)
      }
    } catch {
      Issue.record("expected an EngineError, found \(error)", sourceLocation: sourceLocation)
    }
  }
}
