/// Combines `source` into `target` element by element: `target[i] = operation(target[i], source[i])`.
///
/// Plain loops, which the compiler vectorises: the work is bound by memory. Integers wrap around, as
/// in MPI. A NaN on either side makes min and max NaN, and -0 is smaller than 0: the order in which ranks are combined
/// does not matter.
///
/// - Precondition: the two do not overlap; `dtype` is not bool with a sum.
package func combine(
  _ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int, dtype: DType,
  operation: ReduceOperation
) {
  switch dtype {
  case .float32: combineFloating(source, target, count, operation, Float.self)
  case .float64: combineFloating(source, target, count, operation, Double.self)
  case .int32: combineInteger(source, target, count, operation, Int32.self)
  case .int64: combineInteger(source, target, count, operation, Int64.self)
  case .uint8, .bool: combineInteger(source, target, count, operation, UInt8.self)
  }
}

@inline(__always)
private func combineFloating<T: BinaryFloatingPoint>(
  _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
  _ operation: ReduceOperation, _ type: T.Type
) {
  let x = source.assumingMemoryBound(to: T.self)
  let y = target.assumingMemoryBound(to: T.self)
  switch operation {
  case .sum: for i in 0..<count { y[i] += x[i] }
  case .min: for i in 0..<count { y[i] = smaller(x[i], y[i]) }
  case .max: for i in 0..<count { y[i] = -smaller(-x[i], -y[i]) }
  }
}

/// The smaller one, NaN if either is, -0 of two zeros that differ.
@inline(__always)
private func smaller<T: BinaryFloatingPoint>(_ a: T, _ b: T) -> T {
  a < b ? a : b < a ? b : a == b ? (a.sign == .minus ? a : b) : .nan
}

@inline(__always)
private func combineInteger<T: FixedWidthInteger>(
  _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
  _ operation: ReduceOperation, _ type: T.Type
) {
  let x = source.assumingMemoryBound(to: T.self)
  let y = target.assumingMemoryBound(to: T.self)
  switch operation {
  case .sum: for i in 0..<count { y[i] &+= x[i] }
  case .min: for i in 0..<count { y[i] = x[i] < y[i] ? x[i] : y[i] }
  case .max: for i in 0..<count { y[i] = x[i] > y[i] ? x[i] : y[i] }
  }
}
