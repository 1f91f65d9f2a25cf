import Foundation
import Tensors

/// A file of a state: its name, its size, and the checksum of its bytes.
package struct FileSum: Hashable, Sendable {
  package let name: String
  /// Bytes in the file.
  package let byteCount: Int
  package let checksum: CRC32

  init(name: String, byteCount: Int, checksum: CRC32) {
    (self.name, self.byteCount, self.checksum) = (name, byteCount, checksum)
  }

  /// What is wrong with `name` as that of a file in a state; nil when nothing is.
  ///
  /// A name cannot lead out of the state's folder, and cannot be one of those that the folder has itself.
  static func problem(withName name: String) -> String? {
    if name.isEmpty { return "it is empty" }
    if name.utf8.count > 200 { return "it has \(name.utf8.count) bytes, at most 200 are allowed" }
    if name.hasPrefix(".") { return "it begins with a point" }
    if name.contains("/") || name.contains("\0") { return "it has a slash or a zero in it" }
    if name == StateManifest.fileName { return "it is that of the manifest" }
    return nil
  }
}

extension FileSum: Codable {
  private enum CodingKeys: String, CodingKey {
    case name
    case byteCount = "bytes"
    case checksum = "crc32"
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    name = try values.decode(String.self, forKey: .name)
    byteCount = try values.decode(Int.self, forKey: .byteCount)
    let text = try values.decode(String.self, forKey: .checksum)
    guard let checksum = CRC32(text: text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .checksum, in: values, debugDescription: "not eight hexadecimal digits: \(text)")
    }
    self.checksum = checksum
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(byteCount, forKey: .byteCount)
    try values.encode(checksum.text, forKey: .checksum)
  }
}
