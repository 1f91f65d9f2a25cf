import CZlib
import Tensors

/// Data packed by DEFLATE in the frame of zlib (RFC 1950), as PNG files hold it.
package enum Deflate {
  /// `bytes` packed.
  package static func packed(_ bytes: [UInt8]) -> [UInt8] {
    var length = compressBound(uLong(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(length))
    let status = compress2(
      &result, &length, bytes, uLong(bytes.count), Int32(Z_DEFAULT_COMPRESSION))
    // The room is what zlib says it needs at most: it can only lack memory.
    if status != Z_OK { fatalError("zlib error \(status)") }
    result.removeLast(result.count - Int(length))
    return result
  }

  /// The CRC-32 of several stretches of bytes, one after the other, as zip and PNG use it.
  package static func crc32(_ parts: [UInt8]...) -> UInt32 {
    UInt32(parts.reduce(CZlib.crc32(0, nil, 0)) { CZlib.crc32($0, $1, uInt($1.count)) })
  }
}
