import Tensors

/// Images of bytes as PNG files.
///
/// - SeeAlso: W3C, *Portable Network Graphics (PNG) Specification* (second edition), sections 5 and 11.
package enum PNG {
  /// The bytes of a file that holds an image.
  ///
  /// - Parameters:
  ///   - pixels: `height` rows of `width` pixels of `channels` bytes each, from the top left.
  ///   - width: at least 1.
  ///   - height: at least 1.
  ///   - channels: 1 for grey, 2 with opacity, 3 for red, green and blue, 4 with opacity.
  /// - Returns: the bytes.
  package static func encoded(
    _ pixels: [UInt8], width: Int, height: Int, channels: Int
  ) -> [UInt8] {
    precondition(width > 0 && height > 0 && pixels.count == width * height * channels)
    let colorType: UInt8 = [0, 4, 2, 6][channels - 1]
    // Width, height, bits a sample, colours; then deflate, filters of type 0, not interlaced.
    let header = bigEndian(width) + bigEndian(height) + [8, colorType, 0, 0, 0]
    var rows: [UInt8] = []
    rows.reserveCapacity(pixels.count + height)
    for row in 0..<height {
      // Each row begins with its filter: none.
      rows.append(0)
      rows += pixels[row * width * channels..<(row + 1) * width * channels]
    }
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
      + chunk("IDAT", Deflate.packed(rows)) + chunk("IEND", [])
  }

  /// Length, name, data, and the checksum of name and data.
  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let name = Array(name.utf8)
    return bigEndian(data.count) + name + data + bigEndian(Int(Deflate.crc32(name, data)))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(value).bigEndian) { Array($0) }
  }
}
