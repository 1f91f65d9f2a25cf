import DataFiles
import Tensors
import Testing

/// What every reader does with files that are cut short or changed anywhere: an error, never a crash.
@Suite struct DamagedFileTests {
  private static func read(_ name: String, _ path: String) throws {
    if name.contains(".idx") {
      _ = try IDX.read(path)
    } else if name.hasSuffix(".npy") {
      _ = try NPY.read(path)
    } else if name.hasSuffix(".npz") {
      _ = try NPZ.read(path)
    } else if name.hasSuffix(".safetensors") {
      _ = try SafeTensors.read(path)
    } else {
      _ = try CSV.read(path)
    }
  }

  private static let names = [
    "int16.idx", "compressed.idx", "f8-big.npy", "f4-fortran.npy", "version2.npy", "stored.npz",
    "deflated.npz", "all.safetensors", "bf16.safetensors", "plain.csv.gz",
  ]

  @Test("every truncation is refused with an error about the file", arguments: names)
  func truncations(name: String) throws {
    let bytes = try DataFixture.bytes(name)
    try DataFixture.withFolder { folder in
      let path = folder + "/cut"
      for count in 0..<bytes.count {
        try DataFixture.write(bytes.prefix(count), to: path)
        DataFixture.expectFileError(path, []) { try Self.read(name, path) }
      }
    }
  }

  @Test("every change of one byte gives values or an error, never a crash", arguments: names)
  func changes(name: String) throws {
    let bytes = try DataFixture.bytes(name)
    try DataFixture.withFolder { folder in
      let path = folder + "/changed"
      for position in bytes.indices {
        for mask: UInt8 in [0x01, 0x80, 0xFF] {
          var changed = bytes
          changed[position] ^= mask
          try DataFixture.write(changed, to: path)
          do {
            try Self.read(name, path)
          } catch let error as EngineError {
            #expect(error.file?.path == path)
          }
        }
      }
    }
  }

  @Test("every truncation of a plain table gives a table or an error with a line")
  func tables() throws {
    let text = Array("name, \"b\"\"c\"\r\n1.5,\"2\"\r\n-3e-2,nan\r\n".utf8)
    try DataFixture.withFolder { folder in
      let path = folder + "/cut.csv"
      for count in 0..<text.count {
        try DataFixture.write(text.prefix(count), to: path)
        do {
          let (features, labels) = try CSV.read(path)
          #expect(features.shape == [labels.elementCount, 1])
        } catch let error as EngineError {
          #expect(error.file?.path == path)
          #expect(count == 0 || error.file?.line != nil)
        }
      }
    }
  }
}
