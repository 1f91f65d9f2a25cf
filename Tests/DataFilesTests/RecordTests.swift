import DataFiles
import Tensors
import Testing

@Suite struct RecordTests {
  // RFC 3720, appendix B.4; the digits are the usual check of a CRC.
  private static let known: [([UInt8], UInt32)] = [
    (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), ([UInt8](0..<32), 0x46DD_794E),
    ([UInt8]((0..<32).reversed()), 0x113F_DB5C), ([], 0),
  ]

  @Test(arguments: known)
  func `checksums are those of the standard`(_ bytes: [UInt8], _ expected: UInt32) {
    #expect(CRC32C.of(bytes) == expected)
  }

  @Test func `a record has its length, its data and two masked checksums`() {
    let data = Array("123456789".utf8)
    let framed = TFRecord.framed(data)
    func number(_ range: Range<Int>) -> UInt64 {
      framed[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    #expect(framed.count == 8 + 4 + 9 + 4)
    #expect(number(0..<8) == 9)
    #expect(Array(framed[12..<21]) == data)
    // Rotated right by 15 bits, plus a282ead8.
    func masked(_ checksum: UInt64) -> UInt64 {
      ((checksum >> 15 | checksum << 17) & 0xFFFF_FFFF + 0xA282_EAD8) & 0xFFFF_FFFF
    }
    #expect(number(21..<25) == masked(0xE306_9283))
    #expect(number(8..<12) == masked(UInt64(CRC32C.of(Array(framed[0..<8])))))
    #expect(TFRecord.framed([]).count == 16)
  }
}

@Suite struct PNGTests {
  /// The chunks of a file by name, in order; each checksum is that of zlib over name and data.
  private func chunks(_ file: [UInt8]) throws -> [(name: String, data: [UInt8])] {
    try #require(file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    func number(_ at: Int) -> Int { file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    var result: [(String, [UInt8])] = []
    var at = 8
    while at < file.count {
      let length = number(at)
      let end = at + 8 + length
      result.append(
        (String(decoding: file[at + 4..<at + 8], as: UTF8.self), Array(file[at + 8..<end])))
      at = end + 4
    }
    return result
  }

  @Test(arguments: [(1, 0), (2, 4), (3, 2), (4, 6)] as [(Int, UInt8)])
  func `rows come back as they were`(_ channels: Int, _ colorType: UInt8) throws {
    let (width, height) = (37, 300)
    let pixels = (0..<width * height * channels).map { UInt8($0 * $0 % 251) }
    let file = PNG.encoded(pixels, width: width, height: height, channels: channels)
    let parts = try chunks(file)
    #expect(parts.map(\.name) == ["IHDR", "IDAT", "IEND"])
    #expect(parts[0].data == [0, 0, 0, 37, 0, 0, 1, 44, 8, colorType, 0, 0, 0])
    // The end of every PNG file: no data, and the checksum of its name.
    #expect(file.suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
    // Two bytes of zlib's head before the deflated data, four of its checksum after them.
    let inflater = try #require(Inflater(.raw))
    var rows = [UInt8](repeating: 1, count: height * (1 + width * channels))
    let progress = parts[1].data.dropFirst(2).dropLast(4).withUnsafeBytes { input in
      rows.withUnsafeMutableBytes { inflater.step(from: input, to: $0) }
    }
    #expect(progress.ended && progress.made == rows.count)
    for row in 0..<height {
      let start = row * (1 + width * channels)
      #expect(rows[start] == 0)
      let expected = pixels[row * width * channels..<(row + 1) * width * channels]
      #expect(rows[start + 1..<start + 1 + width * channels].elementsEqual(expected))
    }
  }

  @Test func `checksums are those of zlib`() {
    #expect(Deflate.crc32(Array("1234".utf8), [], Array("56789".utf8)) == 0xCBF4_3926)
  }
}

@Suite struct FolderTests {
  @Test(arguments: [
    ("a", ""), ("", ""), ("abc", ""), ("/", "/"), ("/a", "/"), ("a/b", "a"), ("/a/b/c", "/a/b"),
    ("a/", ""), ("a//b//", "a"), ("//a", "/"), ("é/ü", "é"), ("./a", "."),
  ])
  func `the folder of a path is what stands before its last name`(
    _ path: String, _ folder: String
  ) { #expect(Folders.folder(of: path) == folder) }

  @Test func `folders and those above them are made once`() throws {
    try DataFixture.withFolder { folder in
      try Folders.make(folder + "/a/b//c/")
      try Folders.make(folder + "/a/b/c")
      try Folders.make(for: folder + "/d/file")
      try Folders.make(for: "file")
      try DataFixture.write([1], to: folder + "/a/b/c/file")
      try DataFixture.write([1], to: folder + "/d/file")
      let path = folder + "/d/file"
      #expect(
        throws: EngineError.file(
          path: path, message: "cannot make the folder: there is a file of this name")
      ) { try Folders.make(path + "/e/f") }
      #expect(
        throws: EngineError.file(
          path: "/proc/apus", message: "cannot make the folder: No such file or directory")
      ) { try Folders.make("/proc/apus/a") }
    }
  }
}
