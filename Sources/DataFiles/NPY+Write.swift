import Tensors

extension NPY {
  /// Writes `tensor` as NumPy's `save` would: format version 1.0, little endian, C order.
  ///
  /// The file appears under `path` only when it is complete.
  ///
  /// - Parameters:
  ///   - tensor: what is written.
  ///   - floats: how a tensor of float32 is kept, as it is by default. NumPy has no bfloat16.
  ///   - path: the file.
  /// - Throws: `EngineError.file` when the file cannot be written, `EngineError.invalidArgument` for bfloat16,
  ///   `EngineError.data` for a finite number that float16 cannot hold.
  public static func write(
    _ tensor: Tensor, floats: StoredFloat = .float32, to path: String
  ) throws(EngineError) {
    guard floats != .bfloat16 else {
      throw .invalidArgument(
        message: "NPY: NumPy has no bfloat16; write float16, or a safetensors file of bfloat16")
    }
    let (scalar, bytes) = try floats.stored(tensor, "NPY")
    let header = header(tensor.shape, scalar)
    try AtomicFile.write(to: path) { file throws(EngineError) in
      try file.write(header)
      try bytes.withBytes { bytes throws(EngineError) in try file.write(bytes) }
    }
  }

  private static func header(_ shape: Shape, _ scalar: StoredScalar) -> [UInt8] {
    let lengths = shape.dimensions.map(String.init)
    // A tuple of one keeps its comma in Python.
    let shape = "(" + lengths.joined(separator: ", ") + (lengths.count == 1 ? ",)" : ")")
    let text =
      "{'descr': '\(descriptor(scalar))', 'fortran_order': False, 'shape': \(shape), }"
    // Data begins at a multiple of 64 bytes, the header ends in a newline.
    let before = magic.count + 4
    let padding = (64 - (before + text.utf8.count + 1) % 64) % 64
    let length = text.utf8.count + padding + 1
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
      + [UInt8](repeating: 0x20, count: padding) + [0x0A]
  }

  private static func descriptor(_ scalar: StoredScalar) -> String {
    switch scalar {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int16: "<i2"
    case .uint16: "<u2"
    case .int32: "<i4"
    case .uint32: "<u4"
    case .int64: "<i8"
    case .float16, .bfloat16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    }
  }
}
