import Tensors

/// A file inside a zip archive.
struct ZipMember {
  var name: String
  /// Where its (compressed) bytes lie in the archive.
  var range: Range<Int>
  var isDeflated: Bool
  /// Bytes after inflating.
  var size: Int
  /// CRC-32 of these bytes.
  var checksum: UInt32
}

/// The directory at the end of a zip archive.
///
/// Sizes come from here and never from the headers before the members: NumPy writes those in the
/// zip64 form, with the real sizes missing, even for small arrays.
///
/// - SeeAlso: PKWARE, *APPNOTE.TXT - .ZIP File Format Specification* 6.3, §4.3.
struct ZipDirectory {
  let path: String
  let bytes: UnsafeRawBufferPointer

  func members() throws(EngineError) -> [ZipMember] {
    let end = try endRecord()
    let count = word(end + 10)
    let size = long(end + 12)
    let start = long(end + 16)
    if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
      throw failure(
        "this is a zip64 archive (over 4 GB or over 65534 members), which is not read; save fewer or smaller arrays a file",
        byte: end)
    }
    guard word(end + 4) == 0, word(end + 6) == 0, word(end + 8) == count else {
      throw failure("this is one part of a split zip archive, which is not read", byte: end)
    }
    guard start + size <= end else {
      throw failure(
        "expected the zip directory (\(size) bytes from byte \(start)) before its end record: the file is damaged",
        byte: end)
    }
    var members: [ZipMember] = []
    var cursor = start
    for _ in 0..<count { members.append(try member(at: &cursor, before: start + size)) }
    return members
  }

  /// The position of the record that ends an archive, which a comment may follow.
  private func endRecord() throws(EngineError) -> Int {
    guard bytes.count >= 4, long(0) == 0x0403_4B50 || long(0) == 0x0605_4B50 else {
      throw failure(
        .expectation("a zip archive (\"PK\")", found: "other bytes"), byte: 0,
        hint: "is this an .npz file?")
    }
    var position = bytes.count - 22
    let first = max(0, position - 0xFFFF)
    while position >= first {
      if long(position) == 0x0605_4B50, position + 22 + word(position + 20) == bytes.count {
        return position
      }
      position -= 1
    }
    throw failure(
      .expectation("a zip directory at the end of \(bytes.count) bytes", found: "none"),
      hint: "the file is cut short")
  }

  private func member(at cursor: inout Int, before end: Int) throws(EngineError) -> ZipMember {
    let entry = cursor
    guard entry + 46 <= end, long(entry) == 0x0201_4B50 else {
      throw failure(
        .expectation("an entry of the zip directory", found: "other bytes"), byte: entry)
    }
    let nameLength = word(entry + 28)
    cursor = entry + 46 + nameLength + word(entry + 30) + word(entry + 32)
    guard cursor <= end else {
      throw failure("the entry of the zip directory goes past the directory's end", byte: entry)
    }
    let name = String(decoding: bytes[(entry + 46)..<(entry + 46 + nameLength)], as: UTF8.self)
    let method = word(entry + 10)
    guard method == 0 || method == 8 else {
      throw failure(
        .expectation("compression method 0 (stored) or 8 (deflated)", found: "\(method)"),
        member: name)
    }
    guard word(entry + 8) & 1 == 0 else {
      throw failure("it is encrypted, which is not read", member: name)
    }
    let stored = long(entry + 20)
    let size = long(entry + 24)
    let local = long(entry + 42)
    guard stored != 0xFFFF_FFFF, size != 0xFFFF_FFFF, local != 0xFFFF_FFFF else {
      throw failure("it needs zip64 (over 4 GB), which is not read", member: name)
    }
    // Only the lengths of the local name and extra field are needed: they may differ from here.
    guard local + 30 <= bytes.count, long(local) == 0x0403_4B50 else {
      throw failure(.expectation("its header at byte \(local)", found: "other bytes"), member: name)
    }
    let data = local + 30 + word(local + 26) + word(local + 28)
    guard data + stored <= bytes.count, method == 8 || stored == size else {
      throw failure(
        .expectation("\(stored) bytes from byte \(data)", found: "a file of \(bytes.count)"),
        member: name, hint: "it is damaged")
    }
    return ZipMember(
      name: name, range: data..<(data + stored), isDeflated: method == 8, size: size,
      checksum: UInt32(long(entry + 16)))
  }

  private func word(_ position: Int) -> Int {
    Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt16.self)))
  }

  private func long(_ position: Int) -> Int {
    Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
  }

  private func failure(
    _ problem: EngineError.Problem, member: String? = nil, byte: Int? = nil,
    hint: ErrorText? = nil
  ) -> EngineError {
    .file(
      .init(path, member: member.map { "member '\($0)'" }, byte: byte), problem, hint: hint)
  }
}
