import DataFiles
import Foundation
import Tensors
import Testing

@Suite struct AtomicFileTests {
  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func content(_ path: String) throws -> [UInt8] {
    try ByteReader(path: path).readAll().withBytes { Array($0) }
  }

  @Test("a file is written, replaced, and nothing else is left in the folder")
  func replaces() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/file"
      try AtomicFile.write([1, 2, 3], to: path)
      #expect(try content(path) == [1, 2, 3])
      try AtomicFile.write([], to: path)
      #expect(try content(path) == [])
      #expect(try names(in: folder) == ["file"])
    }
  }

  @Test("when writing fails halfway the old file stays whole and nothing else is left")
  func fails() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/file"
      try AtomicFile.write([1, 2, 3], to: path)
      #expect(throws: EngineError.data(message: "halfway")) {
        try AtomicFile.write(to: path) { file throws(EngineError) in
          try file.write([4])
          throw .data(message: "halfway")
        }
      }
      #expect(try content(path) == [1, 2, 3])
      #expect(try names(in: folder) == ["file"])
    }
  }

  @Test("a folder that is missing, or a folder in the file's place, is named")
  func noFolder() throws {
    try DataFixture.withFolder { folder in
      let missing = folder + "/missing/file"
      DataFixture.expectFileError(missing, ["cannot create", "/missing", "No such file"]) {
        try AtomicFile.write([1], to: missing)
      }
      DataFixture.expectFileError(folder, ["cannot rename", "directory"]) {
        try AtomicFile.write([1], to: folder)
      }
    }
  }
}
