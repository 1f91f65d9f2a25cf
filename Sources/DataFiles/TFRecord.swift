import Tensors

/// The frame around each record of a file of records, as TensorFlow and TensorBoard read it: length, its checksum, data, their checksum.
package enum TFRecord {
  /// `data` in its frame. Numbers are little-endian; checksums are CRC-32C, rotated and shifted, because what is framed may hold checksums itself.
  package static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(masked(CRC32C.of(length))) + data
      + littleEndian(masked(CRC32C.of(data)))
  }

  /// A checksum as it stands in the file.
  package static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}

/// The checksum of RFC 3720 (Castagnoli's polynomial), which zlib does not have.
package enum CRC32C {
  /// The checksum of bytes: `E3069283` for the digits from 1 to 9.
  package static func of(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { rest, byte in
      rest >> 8 ^ table[Int(UInt8(truncatingIfNeeded: rest) ^ byte)]
    }
  }

  /// What each byte adds; bits are reflected.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0x82F6_3B78 : 0) }
  }
}
