import DataFiles
import Tensors
import Testing

@Suite struct NPZTests {
  @Test(
    "stored and deflated archives give their arrays in order", arguments: ["stored", "deflated"])
  func archives(name: String) throws {
    let arrays = try NPZ.read(DataFixture.path("\(name).npz"))
    #expect(Array(arrays.keys) == ["weights", "bias", "step", "fortran"])
    #expect(arrays["weights"]?.spec == TensorSpec([3, 4], .float32))
    #expect(arrays["weights"]?.scalars(as: Double.self) == DataFixture.values(12))
    #expect(arrays["bias"]?.spec == TensorSpec([4], .float64))
    #expect(arrays["bias"]?.scalars(as: Double.self) == DataFixture.values(4))
    #expect(arrays["step"]?.spec == TensorSpec([], .int64))
    #expect(arrays["step"]?.item() == 12)
    #expect(arrays["fortran"]?.spec == TensorSpec([4, 3], .int32))
    #expect(arrays["fortran"]?.scalars(as: Double.self) == DataFixture.values(12))
  }

  @Test("arrays that shrink to a few bytes are read to their ends")
  func zeros() throws {
    let arrays = try NPZ.read(DataFixture.path("zeros.npz"))
    #expect(arrays.count == 6)
    for (name, array) in arrays {
      #expect(name == "a\(array.elementCount)")
      #expect(array.scalars(as: UInt8.self).allSatisfy { $0 == 0 })
    }
  }

  @Test("an empty archive has no arrays")
  func empty() throws {
    let end: [UInt8] = [0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)
    let arrays = try DataFixture.withFile(end) { try NPZ.read($0) }
    #expect(arrays.isEmpty)
  }

  @Test("a member that is not an array is named")
  func otherMember() throws {
    let path = DataFixture.path("text-member.npz")
    DataFixture.expectFileError(path, ["'note.txt'", ".npy"]) { _ = try NPZ.read(path) }
  }

  @Test("a file that is not an archive, or has lost its directory, is refused")
  func noDirectory() throws {
    try DataFixture.withFile(Array("not an archive at all, only text".utf8)) { path in
      DataFixture.expectFileError(path, ["byte 0", "zip archive"]) { _ = try NPZ.read(path) }
    }
    let bytes = try DataFixture.bytes("stored.npz")
    try DataFixture.withFile(bytes.dropLast(30)) { path in
      DataFixture.expectFileError(path, ["directory", "cut short"]) {
        _ = try NPZ.read(path)
      }
    }
  }

  @Test("a zip64 archive is told")
  func zip64() throws {
    var bytes = try DataFixture.bytes("stored.npz")
    let end = bytes.count - 22
    for index in (end + 16)..<(end + 20) { bytes[index] = 0xFF }
    try DataFixture.withFile(bytes) { path in
      DataFixture.expectFileError(path, ["byte \(end)", "zip64"]) { _ = try NPZ.read(path) }
    }
  }

  @Test("a changed element is noticed by the checksum")
  func checksum() throws {
    var bytes = try DataFixture.bytes("stored.npz")
    // The first member's data follows its header of 128 bytes, ended by a newline.
    let start = try #require(bytes.firstIndex(of: 0x0A)) + 1
    bytes[start] ^= 1
    try DataFixture.withFile(bytes) { path in
      DataFixture.expectFileError(path, ["member 'weights.npy'", "CRC-32"]) {
        _ = try NPZ.read(path)
      }
    }
  }
}
