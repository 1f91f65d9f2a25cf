import DataFiles
import Foundation
import Tensors
import Testing

@Suite struct IDXTests {
  @Test(
    "an IDX file of each scalar type gives a tensor of its shape",
    arguments: [
      ("uint8", DType.uint8), ("int8", .int32), ("int16", .int32), ("int32", .int32),
      ("float32", .float32), ("float64", .float64),
    ])
  func scalarTypes(name: String, dtype: DType) throws {
    let tensor = try IDX.read(DataFixture.path("\(name).idx"))
    #expect(tensor.spec == TensorSpec([2, 3, 4], dtype))
    #expect(
      tensor.scalars(as: Double.self) == DataFixture.values(24, signed: name != "uint8"))
  }

  @Test(
    "a gzip file is told by its first bytes, and may have members and padding",
    arguments: ["compressed.idx", "two-members.idx.gz"])
  func compressed(name: String) throws {
    let tensor = try IDX.read(DataFixture.path(name))
    #expect(tensor.spec == TensorSpec([2, 3, 4], .uint8))
    #expect(tensor.scalars(as: Double.self) == DataFixture.values(24, signed: false))
  }

  @Test("an IDX file of more bytes than there is memory is an error")
  func noMemory() throws {
    // A terabyte of nothing, of which the file system stores the header.
    let header: [UInt8] = [0, 0, 8, 2, 0, 16, 0, 0, 0, 16, 0, 0]
    try DataFixture.withFile(header) { path in
      guard truncate(path, 12 + 1 << 40) == 0 else { return }
      DataFixture.expectFileError(path, ["no memory for", "uint8 [1048576, 1048576]"]) {
        _ = try IDX.read(path)
      }
    }
  }

  @Test("an IDX file without axes is a scalar, and one with an axis of length 0 is empty")
  func edges() throws {
    try DataFixture.withFile([0, 0, 8, 0, 7]) { path in
      let tensor = try IDX.read(path)
      #expect(tensor.shape == [])
      #expect(tensor.item() == 7)
    }
    try DataFixture.withFile([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 0]) { path in
      let tensor = try IDX.read(path)
      #expect(tensor.spec == TensorSpec([3, 0], .uint8))
    }
  }

  @Test(
    "a damaged IDX file is refused with what was expected, what was found and where",
    arguments: [
      ([], ["byte 0", "expected 4 bytes", "found 0"]),
      ([1, 0, 8, 1], ["byte 0", "two zero bytes", "found 1 and 0"]),
      ([0, 0, 7, 1], ["byte 2", "0x08", "found 0x07"]),
      (
        [0, 0, 8, 2, 0, 0, 0, 1],
        ["byte 4", "expected 8 bytes of the lengths of 2 axes", "found 4"]
      ),
      ([0, 0, 8, 1, 0, 0, 0, 3, 1, 2], ["byte 8", "expected 3 bytes of uint8 [3]", "found 2"]),
      ([0, 0, 8, 1, 0, 0, 0, 1, 1, 2], ["byte 9", "expected the end", "found 1 more"]),
      // 2³² − 1 elements promised by 12 bytes: refused before memory is asked for.
      (
        [0, 0, 14, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
        ["byte 8", "expected 34359738360 bytes of float64", "found 4"]
      ),
      (
        [0, 0, 8, 3] + [UInt8](repeating: 0xFF, count: 12),
        ["[4294967295, 4294967295, 4294967295]", "more elements than memory"]
      ),
      ([0, 0, 8, 17] + [UInt8](repeating: 0, count: 68), ["at most 16 axes", "found 17"]),
    ] as [([UInt8], [String])])
  func damage(bytes: [UInt8], texts: [String]) throws {
    try DataFixture.withFile(bytes) { path in
      DataFixture.expectFileError(path, texts) { _ = try IDX.read(path) }
    }
  }

  @Test("gzip data after the tensor, or garbage after gzip data, is refused")
  func afterTheEnd() throws {
    let long = DataFixture.path("inflates-to-much.idx.gz")
    DataFixture.expectFileError(long, ["byte 40", "found 4194304 more bytes"]) {
      _ = try IDX.read(long)
    }
    let garbage = DataFixture.path("garbage-after.idx.gz")
    DataFixture.expectFileError(garbage, ["damaged at compressed byte", "40 inflated bytes"]) {
      _ = try IDX.read(garbage)
    }
  }

  @Test("gzip data cut short says where, and a wrong checksum is noticed")
  func compressedDamage() throws {
    let bytes = try DataFixture.bytes("compressed.idx")
    try DataFixture.withFile(bytes.dropLast(9)) { path in
      DataFixture.expectFileError(path, ["cut short", "compressed byte \(bytes.count - 9)"]) {
        _ = try IDX.read(path)
      }
    }
    var changed = bytes
    changed[bytes.count - 5] ^= 1
    try DataFixture.withFile(changed) { path in
      DataFixture.expectFileError(path, ["damaged", "40 inflated bytes", "check"]) {
        _ = try IDX.read(path)
      }
    }
  }

  @Test("a missing file and a directory are named")
  func noFile() throws {
    DataFixture.expectFileError("no/such/file", ["No such file"]) {
      _ = try IDX.read("no/such/file")
    }
    try DataFixture.withFolder { folder in
      DataFixture.expectFileError(folder, ["expected a regular file, found a directory"]) {
        _ = try IDX.read(folder)
      }
    }
  }
}
