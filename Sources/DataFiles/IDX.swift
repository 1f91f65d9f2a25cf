import Tensors

/// The IDX format of the MNIST files: a magic number, the lengths of the axes, the elements.
///
/// All numbers are big endian. Bytes 0 and 1 are zero, byte 2 is the scalar type, byte 3 the number
/// of axes; then one 32-bit length an axis.
///
/// - SeeAlso: LeCun, Cortes, Burges, *The MNIST database of handwritten digits*, "File formats".
public enum IDX {
  /// Reads an IDX file, plain or gzip (told apart by its first bytes, not by its name).
  ///
  /// - Parameter path: the file. Types 0x08 to 0x0E become uint8, int32 (from signed bytes, 16- and
  ///   32-bit integers), float32 and float64.
  /// - Returns: a tensor of the file's shape.
  /// - Throws: `EngineError.file` when the file is missing, is not IDX, or holds fewer or more bytes
  ///   than its header says.
  public static func read(_ path: String) throws(EngineError) -> Tensor {
    let reader = try ByteReader(path: path)
    let magic = try reader.readArray(4, what: "the magic number of an IDX file")
    guard magic[0] == 0, magic[1] == 0 else {
      throw reader.failure(
        .expectation("the two zero bytes of an IDX file", found: "\(magic[0]) and \(magic[1])"),
        byte: 0)
    }
    guard let stored = scalar(code: magic[2]) else {
      throw reader.failure(
        .expectation(
          "an IDX scalar type 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E",
          found: "0x\(hexadecimal(magic[2]))"), byte: 2)
    }
    let rank = Int(magic[3])
    let header = try reader.readArray(4 * rank, what: "the lengths of \(rank) axes")
    let dimensions = (0..<rank).map { axis in
      header[(4 * axis)..<(4 * axis + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    let tensor = try reader.readTensor(dimensions, stored, bigEndian: true)
    try reader.expectEnd(after: "\(stored) \(Shape(dimensions))")
    return tensor
  }

  private static func scalar(code: UInt8) -> StoredScalar? {
    switch code {
    case 0x08: .uint8
    case 0x09: .int8
    case 0x0B: .int16
    case 0x0C: .int32
    case 0x0D: .float32
    case 0x0E: .float64
    default: nil
    }
  }
}

/// `byte` as two hexadecimal digits.
func hexadecimal(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16)
  return byte < 16 ? "0" + digits : digits
}
