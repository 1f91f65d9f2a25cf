import Tensors

extension NPY {
  /// Writes `tensor` as NumPy's `save` would: format version 1.0, little endian, C order.
  ///
  /// The file appears under `path` only when it is complete.
  ///
  /// - Throws: `EngineError.file` when the file cannot be written.
  public static func write(_ tensor: Tensor, to path: String) throws(EngineError) {
    let header = header(of: tensor)
    try AtomicFile.write(to: path) { file throws(EngineError) in
      try file.write(header)
      try tensor.withBytes { bytes throws(EngineError) in try file.write(bytes) }
    }
  }

  private static func header(of tensor: Tensor) -> [UInt8] {
    let lengths = tensor.shape.dimensions.map(String.init)
    // A tuple of one keeps its comma in Python.
    let shape = "(" + lengths.joined(separator: ", ") + (lengths.count == 1 ? ",)" : ")")
    let text =
      "{'descr': '\(descriptor(tensor.dtype))', 'fortran_order': False, 'shape': \(shape), }"
    // Data begins at a multiple of 64 bytes, the header ends in a newline.
    let before = magic.count + 4
    let padding = (64 - (before + text.utf8.count + 1) % 64) % 64
    let length = text.utf8.count + padding + 1
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
      + [UInt8](repeating: 0x20, count: padding) + [0x0A]
  }

  private static func descriptor(_ dtype: DType) -> String {
    switch dtype {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }
}
