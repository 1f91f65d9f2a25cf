import DataFiles
import Tensors
import Testing

@Suite struct SafeTensorsDamageTests {
  private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    let length = length ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text
      + [UInt8](repeating: 0, count: data)
  }

  @Test(
    "a header that is wrong is refused with the tensor, what was expected and what was found",
    arguments: [
      ("", 0, ["byte 8", "not JSON"]),
      ("{\"a\":", 0, ["byte 8", "header of 5 bytes", "not JSON"]),
      ("[]", 0, ["byte 8", "expected a JSON object", "found an array"]),
      ("{} x", 0, ["byte 8", "not JSON"]),
      ("{\"a\":1}", 0, ["\"a\"", "expected an object, found a number"]),
      ("{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, ["\"a\"", "dtype"]),
      (
        "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
        ["\"a\"", "BF16", "found \"F8_E4M3\""]
      ),
      ("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ["\"a\"", "shape"]),
      ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, ["\"a\"", "shape"]),
      (
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, ["\"a\"", "shape"]
      ),
      ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, ["\"a\"", "data_offsets"]),
      ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, ["ascending"]),
      (
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
        ["\"a\"", "expected the bytes of F32 [2], found 4 bytes"]
      ),
      (
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3,
        ["\"a\"", "end at byte 4 of the data, found 3"]
      ),
      (
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5,
        ["expected 4 bytes of data", "found 5"]
      ),
      (
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6,
        ["\"b\"", "from byte 4", "found 2", "overlaps"]
      ),
      (
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
          + "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3,
        ["\"b\"", "from byte 1", "found 2", "gap"]
      ),
      (
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
        ["\"a\"", "expected the bytes of U8 [4294967296, 4294967296], found 0"]
      ),
      (
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,0]}}", 0,
        ["\"a\"", "shape"]
      ),
      ("{\"__metadata__\":[]}", 0, ["__metadata__", "found an array"]),
      ("{\"__metadata__\":{\"k\":1}}", 0, ["__metadata__", "\"k\"", "found a number"]),
    ] as [(String, Int, [String])])
  func damagedHeader(header: String, data: Int, strings: [String]) throws {
    try DataFixture.withFile(file(header, data: data)) { path in
      DataFixture.expectFileError(path, strings) { _ = try SafeTensors.read(path) }
    }
  }

  @Test(
    "a header that is longer than the file, or than any header, is refused before it is read",
    arguments: [3, 100_000_001, 1 << 40, UInt64.max])
  func longHeader(length: UInt64) throws {
    try DataFixture.withFile(file("{}", length: length)) { path in
      DataFixture.expectFileError(path, ["byte 0", "the 2 bytes that follow", "found \(length)"]) {
        _ = try SafeTensors.read(path)
      }
    }
  }

  @Test("blanks around the header, which other writers leave, do not matter")
  func blanks() throws {
    let header = " { \"a\" : {\"shape\":[1],\"dtype\":\"U8\",\"data_offsets\":[0, 1]} }\n  "
    let found = try DataFixture.withFile(file(header, data: 1)) { try SafeTensors.read($0) }
    #expect(found.tensors["a"]?.scalars(as: UInt8.self) == [0])
  }

  @Test("a header whose length begins like gzip data is not taken for it")
  func looksLikeGzip() throws {
    let blanks = String(repeating: " ", count: 0x8B1F - 2)
    let found = try DataFixture.withFile(file("{}" + blanks)) { try SafeTensors.read($0) }
    #expect(found.tensors.isEmpty)
  }
}
