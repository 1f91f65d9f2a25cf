import OrderedCollections
import Tensors

/// Files of named tensors in the safetensors format, which Python's libraries read and write too.
///
/// Eight bytes, the length of the header (little endian); the header, a JSON object that gives each
/// tensor's scalar type, shape and place; the bytes of all tensors without gaps.
///
/// - SeeAlso: Hugging Face, *Safetensors*, "Format".
public enum SafeTensors {
  /// Names and values, in the order of their bytes in the file.
  public typealias Tensors = OrderedDictionary<String, Tensor>
  /// Strings that go with the tensors.
  public typealias Metadata = OrderedDictionary<String, String>

  /// The longest header that is read, as in the reference implementation: 100 MB.
  static let longestHeader = 100_000_000

  /// The name in the metadata of the CRC-32 of the bytes of all tensors. The library that reads a file
  /// looks at it, and does not give it to a program.
  static let checksumName = "crc32"

  /// The name of a scalar type in the header.
  static func name(of stored: StoredScalar) -> String {
    switch stored {
    case .bool: "BOOL"
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .uint16: "U16"
    case .int32: "I32"
    case .uint32: "U32"
    case .int64: "I64"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    }
  }

  /// The scalar type with this name in the header, or nil when it is not read.
  static func stored(_ name: String) -> StoredScalar? {
    StoredScalar.allCases.first { Self.name(of: $0) == name }
  }

  /// Whether the UTF-8 bytes of `a` come before those of `b`: the order of Python and Rust, which
  /// unlike Swift's own does not depend on a version of Unicode.
  static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}
