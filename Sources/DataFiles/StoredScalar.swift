import Tensors

/// A scalar as a file holds it, and the tensor type that it becomes.
///
/// Types that tensors do not have are widened to the smallest one that holds every value.
package enum StoredScalar: Sendable, Hashable, CaseIterable {
  case bool, uint8, int8, int16, uint16, int32, uint32, int64
  case float16, bfloat16, float32, float64

  /// The scalar of a tensor of this type, as it is.
  init(_ dtype: DType) {
    self =
      switch dtype {
      case .float32: .float32
      case .float64: .float64
      case .int32: .int32
      case .int64: .int64
      case .uint8: .uint8
      case .bool: .bool
      }
  }

  /// Bytes of one scalar in the file.
  package var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// The type of the tensor that is read from it.
  package var dtype: DType {
    switch self {
    case .bool: .bool
    case .uint8: .uint8
    case .int8, .int16, .uint16, .int32: .int32
    case .uint32, .int64: .int64
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    }
  }

  /// Turns `count` stored scalars at `source` into elements of `dtype` at `target`.
  ///
  /// `source` needs no alignment, and may be `target` when both sizes are the same.
  package func decode(
    _ count: Int, from source: UnsafeRawPointer, bigEndian: Bool,
    to target: UnsafeMutableRawPointer
  ) {
    switch self {
    case .bool:
      // Swift and the kernels know only 0 and 1; files may hold any byte.
      map(count, source, target) { (x: UInt8) -> UInt8 in x == 0 ? 0 : 1 }
    case .uint8:
      map(count, source, target) { (x: UInt8) -> UInt8 in x }
    case .int8:
      map(count, source, target) { (x: UInt8) -> Int32 in Int32(Int8(bitPattern: x)) }
    case .int16:
      mapOrdered(count, source, target, bigEndian) { (x: UInt16) -> Int32 in
        Int32(Int16(bitPattern: x))
      }
    case .uint16:
      mapOrdered(count, source, target, bigEndian) { (x: UInt16) -> Int32 in Int32(x) }
    case .uint32:
      mapOrdered(count, source, target, bigEndian) { (x: UInt32) -> Int64 in Int64(x) }
    case .int32, .float32:
      mapOrdered(count, source, target, bigEndian) { (x: UInt32) -> UInt32 in x }
    case .int64, .float64:
      mapOrdered(count, source, target, bigEndian) { (x: UInt64) -> UInt64 in x }
    case .float16: widen(count, source, target, bigEndian, .float16)
    case .bfloat16: widen(count, source, target, bigEndian, .bfloat16)
    }
  }

  private func widen(
    _ count: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ bigEndian: Bool,
    _ half: HalfPrecision
  ) {
    guard bigEndian else { return half.widen(count, from: source, to: target) }
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: count) { swapped in
      for index in 0..<count {
        swapped[index] = UInt16(
          bigEndian: source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
      }
      guard let first = swapped.baseAddress else { return }
      half.widen(count, from: first, to: target)
    }
  }

  private func map<Stored, Element>(
    _ count: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ transform: (Stored) -> Element
  ) {
    for index in 0..<count {
      let stored = source.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
      target.storeBytes(
        of: transform(stored), toByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
    }
  }

  private func mapOrdered<Stored: FixedWidthInteger, Element>(
    _ count: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ bigEndian: Bool, _ transform: (Stored) -> Element
  ) {
    if bigEndian {
      map(count, source, target) { (x: Stored) -> Element in transform(Stored(bigEndian: x)) }
    } else {
      map(count, source, target) { (x: Stored) -> Element in transform(Stored(littleEndian: x)) }
    }
  }
}

extension ByteReader {
  /// Reads a row-major tensor of `dimensions`, after checking its size against the file.
  ///
  /// - Throws: `EngineError.file` naming the byte, what was expected and what was found.
  package func readTensor(
    _ dimensions: [Int], _ stored: StoredScalar, bigEndian: Bool
  ) throws(EngineError) -> Tensor {
    guard dimensions.count <= Tensor.mostAxes else {
      throw failure(.expectation("at most \(Tensor.mostAxes) axes", found: "\(dimensions.count)"))
    }
    // Eight bytes: the tensor's scalars may be wider than the stored ones.
    guard let count = Tensor.checkedElementCount(dimensions, size: 8) else {
      throw failure("the shape \(Shape(dimensions)) has more elements than memory can hold")
    }
    let what = "\(stored) \(Shape(dimensions))"
    try require(count * stored.size, what: what)
    guard Storage.isAvailable(count * stored.dtype.size) else {
      throw failure("no memory for the \(count * stored.dtype.size) bytes of \(what)")
    }
    let reader = self
    return try Tensor.filled(dimensions, stored.dtype) { pointer throws(EngineError) in
      if stored.size == stored.dtype.size {
        try reader.readExactly(count * stored.size, into: pointer, what: what)
        if bigEndian || stored == .bool {
          stored.decode(count, from: pointer, bigEndian: bigEndian, to: pointer)
        }
        return
      }
      let step = 1 << 15
      let piece = UnsafeMutableRawPointer.allocate(byteCount: step * stored.size, alignment: 16)
      defer { piece.deallocate() }
      var done = 0
      while done < count {
        let some = min(step, count - done)
        try reader.readExactly(some * stored.size, into: piece, what: what)
        stored.decode(
          some, from: piece, bigEndian: bigEndian, to: pointer + done * stored.dtype.size)
        done += some
      }
    }
  }
}
