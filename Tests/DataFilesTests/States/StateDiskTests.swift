import DataFiles
import Foundation
import Tensors
import Testing

/// Disks that are full or cannot be written, for real: small file systems in memory.
@Suite(.serialized) struct StateDiskTests {
  /// Calls `body` with a folder on a file system of one megabyte; false where mounting is not permitted.
  @discardableResult
  private static func withDisk(_ body: (String) throws -> Void) throws -> Bool {
    try DataFixture.withFolder { folder in
      guard run(["mount", "-t", "tmpfs", "-o", "size=1m", "apus-tests", folder]) else {
        return false
      }
      defer { _ = run(["umount", folder]) }
      try body(folder)
      return true
    }
  }

  private static func run(_ words: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  private static let isPermitted = (try? withDisk { _ in }) ?? false
  private static let skipped: Comment = "not run: this user may not mount file systems"

  @Test(
    "a full disk is named, keeps the older state and nothing of the new one, and takes the next",
    .enabled(if: isPermitted, skipped))
  func full() throws {
    try Self.withDisk { disk in
      let path = disk + "/state"
      let folder = StateFolder(path: path)
      let old = StateSample(ordinal: 1, writers: 2, seed: 1)
      try old.save(to: path, SystemFiles())
      let before = try StateSample.contents(path)
      let large = [UInt8](repeating: 7, count: 3 << 20)
      var place = ""
      do {
        try folder.save(ordinal: 2, payload: Data("{}".utf8)) { draft throws(EngineError) in
          place = draft.path + "/large"
          try draft.write("small", bytes: [1])
          try draft.write("large", bytes: large)
        }
        Issue.record("no error")
      } catch let error as EngineError {
        #expect(error.file?.path == place)
        #expect(error.description.contains("cannot write: No space left on device"))
      }
      #expect(try StateSample.contents(path) == before)
      StateSample.expectNewest(path, [old])
      DataFixture.expectFileError(disk + "/weights.safetensors", ["No space left on device"]) {
        try SafeTensors.write(
          [("w", Tensor(large))], to: disk + "/weights.safetensors")
      }
      #expect(try StateSample.names(disk) == ["state"])
      let next = StateSample(ordinal: 3, seed: 3)
      try next.save(to: path, SystemFiles())
      StateSample.expectNewest(path, [next])
    }
  }

  @Test(
    "a file system that became read-only is named, and states on it are loaded",
    .enabled(if: isPermitted, skipped))
  func readOnly() throws {
    try Self.withDisk { disk in
      let path = disk + "/state"
      let old = StateSample(ordinal: 1, writers: 2, seed: 1)
      try old.save(to: path, SystemFiles())
      #expect(Self.run(["mount", "-o", "remount,ro", disk]))
      DataFixture.expectFileError(
        path + "/.saving-000000000002-t", ["cannot make the folder", "Read-only file system"]
      ) {
        _ = try StateFolder(path: path).begin(ordinal: 2, token: "t")
      }
      DataFixture.expectFileError(disk + "/other", ["cannot make the folder", "Read-only"]) {
        _ = try StateFolder(path: disk + "/other").begin(ordinal: 2, token: "t")
      }
      StateSample.expectNewest(path, [old])
      let folder = StateFolder(path: path)
      let entry = try #require(try folder.entries().first)
      DataFixture.expectFileError(entry.path, ["cannot rename", "Read-only"]) {
        try folder.remove(entry)
      }
      StateSample.expectNewest(path, [old])
    }
  }
}
