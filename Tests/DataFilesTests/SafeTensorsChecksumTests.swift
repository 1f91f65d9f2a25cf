import DataFiles
import Tensors
import Testing

/// The checksum of the tensors that files written here have.
@Suite struct SafeTensorsChecksumTests {
  @Test("a flipped bit anywhere in the tensors is found, and the message says what to do")
  func flippedBits() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      try SafeTensors.write(SafeTensorsTests.example, to: path)
      let bytes = try ByteReader(path: path, inflating: false).readAll().withBytes { Array($0) }
      let header = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) } + 8
      #expect(bytes.count > header)
      for position in header..<bytes.count {
        for bit in 0..<8 {
          var changed = bytes
          changed[position] ^= 1 << bit
          try DataFixture.write(changed, to: path)
          DataFixture.expectFileError(path, ["damaged", "checksum", "another copy"]) {
            _ = try SafeTensors.read(path)
          }
        }
      }
    }
  }

  @Test("what another program calls crc32 is an ordinary string")
  func foreign() throws {
    let header =
      #"{"__metadata__":{"crc32":"none"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try DataFixture.withFile(length + Array(header.utf8) + [7]) { path in
      let found = try SafeTensors.read(path)
      #expect(found.metadata == ["crc32": "none"])
      #expect(found.tensors["a"]?.scalars(as: UInt8.self) == [7])
    }
  }

  @Test("the name of the checksum cannot be given to a string")
  func reserved() throws {
    try DataFixture.withFolder { folder in
      let path = folder + "/model.safetensors"
      #expect(throws: EngineError.self) {
        try SafeTensors.write([], metadata: ["crc32": "01234567"], to: path)
      }
      try SafeTensors.write([], metadata: ["a": "b"], to: path)
      #expect(try SafeTensors.read(path).metadata == ["a": "b"])
      #expect(try SafeTensors.inspect(path).metadata == ["a": "b"])
    }
  }
}
