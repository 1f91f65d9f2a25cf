import CKernels

/// Numbers in memory that are to become another scalar type.
///
/// Unlike a cast, which saturates or wraps, a conversion from or to an array of Swift fails when an integer type does
/// not hold a value.
struct ScalarArray {
  private let start: UnsafeRawPointer?
  private let dtype: DType
  private let count: Int

  init(_ bytes: UnsafeRawBufferPointer, _ dtype: DType, count: Int) {
    start = bytes.baseAddress
    self.dtype = dtype
    self.count = count
  }

  /// Whether every value, its fraction cut off, is in the range of `target`; true for floating types.
  func fits(_ target: DType) -> Bool { firstOutside(target) == nil }

  /// Writes the values as `target`, fractions cut off.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` that names the first value outside the range of `target`.
  func convert(
    to memory: UnsafeMutableRawPointer, _ target: DType, _ operation: String
  ) throws(EngineError) {
    guard count > 0, let start else { return }
    if target == dtype {
      memory.copyMemory(from: start, byteCount: count * dtype.size)
      return
    }
    let function = try castKernel(from: dtype, to: target, operation)
    if let position = firstOutside(target) {
      throw .invalidArgument(
        message: "\(operation): \(string(position)) at position \(position) does not fit \(target)"
          + (target == .int64 ? "" : "; int64 holds larger numbers"))
    }
    function(start, 1, memory, count)
  }

  private func firstOutside(_ target: DType) -> Int? {
    guard let start, count > 0 else { return nil }
    let position = apus_first_outside(dtype.code, start, target.code, count)
    return position < 0 ? nil : position
  }

  private func string(_ position: Int) -> String {
    guard let start else { return "" }
    return numberString(start + position * dtype.size, dtype)
  }
}

/// The conversion kernel between two types.
///
/// - Throws: ``EngineError/dtype(operation:message:)`` when there is none.
func castKernel(
  from: DType, to: DType, _ operation: String
) throws(EngineError) -> apus_unary_fn {
  guard let function = apus_cast(from.code, to.code) else {
    throw .dtype(operation: operation, message: "no conversion from \(from) to \(to)")
  }
  return function
}

/// The number at an address as a string for a message: without a point when it is whole.
package func numberString(_ address: UnsafeRawPointer, _ dtype: DType) -> String {
  func floating<F: BinaryFloatingPoint & CustomStringConvertible>(_ value: F) -> String {
    Int64(exactly: value).map(String.init) ?? "\(value)"
  }
  return switch dtype {
  case .float32: floating(address.loadUnaligned(as: Float.self))
  case .float64: floating(address.loadUnaligned(as: Double.self))
  case .int32: String(address.loadUnaligned(as: Int32.self))
  case .int64: String(address.loadUnaligned(as: Int64.self))
  case .uint8, .bool: String(address.loadUnaligned(as: UInt8.self))
  }
}
