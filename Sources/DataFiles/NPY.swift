import Tensors

/// NumPy's format for one array: a magic string, a header that is a Python dictionary, the elements.
///
/// - SeeAlso: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
public enum NPY {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads an array in format version 1, 2 or 3, of either byte order, in C or Fortran order.
  ///
  /// - Parameter path: the file; a gzip file is inflated.
  /// - Returns: a row-major tensor of the file's shape. f2 becomes float32; i1, i2 and u2 int32; u4
  ///   int64; f4, f8, i4, i8, u1 and bool stay as they are.
  /// - Throws: `EngineError.file` when the file is missing, is not NPY, holds another type, or has
  ///   fewer or more bytes than its header says.
  public static func read(_ path: String) throws(EngineError) -> Tensor {
    try read(ByteReader(path: path))
  }

  /// Reads the array that `reader` is at the start of, to the end.
  static func read(_ reader: ByteReader) throws(EngineError) -> Tensor {
    let header = try readHeader(reader)
    let dimensions = header.isFortran ? header.dimensions.reversed() : header.dimensions
    let tensor = try reader.readTensor(dimensions, header.stored, bigEndian: header.isBigEndian)
    try reader.expectEnd(after: "\(header.stored) \(Shape(header.dimensions))")
    guard header.isFortran, header.dimensions.count > 1 else { return tensor }
    return reversedAxes(tensor)
  }

  private static func readHeader(_ reader: ByteReader) throws(EngineError) -> NPYHeader {
    let start = try reader.readArray(8, what: "the magic string and version of an .npy file")
    guard start.starts(with: magic) else {
      let found = start.prefix(6).map(hexadecimal).joined(separator: " ")
      throw reader.failure(.expectation("\"\\x93NUMPY\"", found: "the bytes \(found)"), byte: 0)
    }
    guard (1...3).contains(start[6]), start[7] == 0 else {
      throw reader.failure(
        .expectation("format version 1.0, 2.0 or 3.0", found: "\(start[6]).\(start[7])"), byte: 6)
    }
    let width = start[6] == 1 ? 2 : 4
    let length = try reader.readArray(width, what: "the length of the header")
      .reversed().reduce(0) { $0 << 8 | Int($1) }
    let position = reader.position
    // Structured types have long headers, but those are not read; NumPy itself stops at 10 000.
    guard length <= 1 << 16 else {
      throw reader.failure(
        .expectation("a header of at most 65536 bytes", found: "\(length)"), byte: position - width)
    }
    let text = try reader.readArray(length, what: "the header")
    var parser = NPYHeaderParser(text)
    do throws(NPYHeaderParser.Problem) {
      return try parser.header()
    } catch {
      throw reader.failure(error.problem, byte: position + error.position, hint: error.hint)
    }
  }

  /// `tensor` with its axes in the opposite order, copied to row-major order.
  private static func reversedAxes(_ tensor: Tensor) -> Tensor {
    let dimensions = Array(tensor.shape.dimensions.reversed())
    let layout = Layout(
      shape: Shape(dimensions), strides: tensor.shape.rowMajorStrides.reversed(),
      offset: tensor.offset)
    return Tensor(layout: layout, dtype: tensor.dtype, storage: tensor.storage).contiguous()
  }
}
