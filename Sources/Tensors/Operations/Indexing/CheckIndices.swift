import CKernels

/// Whole numbers in a range, from any type to an integer one: a copy, or an error that names the first other number.
///
/// Values are looked at as they are, before any conversion. Unlike the indices of `take`, negative ones are wrong for
/// classes and rows: a label of -1 is a mistake in the data.
struct CheckIndices: AnyLeadingAxes, NonDifferentiable {
  /// The numbers that are right.
  let range: ClosedRange<Int64>
  /// int32 or int64, which holds all of them.
  let dtype: DType
  /// Who asks, for the message.
  let operation: String

  /// Numbers in a range; the output is int32 where that holds them, else int64.
  init(in range: ClosedRange<Int64>, _ operation: String) {
    self.range = range
    let narrow = DType.int32.integerRange
    dtype = narrow.contains(range.lowerBound) && narrow.contains(range.upperBound) ? .int32 : .int64
    self.operation = operation
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return [TensorSpec(inputs[0].shape, dtype)]
  }

  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let count = x.elementCount
    let (from, to) = (x.dtype == .bool ? DType.uint8.code : x.dtype.code, y.dtype.code)
    return {
      let bad = apus_whole_numbers(
        from, x.pointer, to, y.pointer, count, range.lowerBound, range.upperBound)
      guard bad >= 0 else { return }
      let number = numberString(x.pointer + bad * x.dtype.size, x.dtype)
      throw EngineError.index(
        operation: operation,
        message: "number \(number) at position \(bad) does not exist: it must be \(expectation)")
    }
  }

  private var expectation: String {
    switch range {
    case DType.int64.integerRange: "a whole number"
    case DType.int32.integerRange: "a whole number that int32 holds"
    default: "in \(range.lowerBound)..<\(Int128(range.upperBound) + 1)"
    }
  }
}

/// `x` as indices in `0 ..< bound`, int32 where that holds them, else int64; see ``CheckIndices``.
package func wholeNumbers(_ x: Tensor, below bound: Int, _ operation: String) -> Tensor {
  guard bound > 0 || x.elementCount == 0 else {
    return fail(
      EngineError.index(
        operation: operation, message: "there is nothing to number: the axis is empty"))
  }
  return apply1(CheckIndices(in: 0...Int64(Swift.max(bound - 1, 0)), operation), x)
}

/// `x` in another type that holds each of its values: where that is narrower, or an integer type for numbers with a
/// fraction, values are checked when the operation runs.
package func exactly(_ x: Tensor, as dtype: DType, _ operation: String) -> Tensor {
  let isWidening = DType.promoted(x.dtype, dtype) == dtype
  if dtype.isFloating || dtype == .bool || isWidening { return x.cast(to: dtype) }
  return apply1(CheckIndices(in: dtype.integerRange, operation), x).cast(to: dtype)
}
