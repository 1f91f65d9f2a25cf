import CZlib
import Tensors

/// The checksum CRC-32 of bytes, as gzip, zip and PNG use it.
///
/// - SeeAlso: RFC 1952, *GZIP file format specification*, §8.
package struct CRC32: Hashable, Sendable {
  /// The sum of what was added; 0 of nothing.
  package private(set) var value: UInt32

  package init(value: UInt32 = 0) { self.value = value }

  /// The sum that eight lower-case hexadecimal digits say; nil for any other text.
  package init?(text: String) {
    guard text.utf8.count == 8, let value = UInt32(text, radix: 16) else { return nil }
    self.value = value
    guard self.text == text else { return nil }
  }

  /// Eight hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Adds `bytes`.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    value = UInt32(truncatingIfNeeded: crc32_z(UInt(value), base, bytes.count))
  }

  /// Adds `bytes`.
  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Adds `count` bytes whose own sum is `other`.
  package mutating func append(_ other: CRC32, count: Int) {
    value = UInt32(
      truncatingIfNeeded: crc32_combine(UInt(value), UInt(other.value), count))
  }
}
