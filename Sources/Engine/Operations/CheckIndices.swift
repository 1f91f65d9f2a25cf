import CKernels

/// Whole numbers in a range, of any type: a copy to int32 or int64, or an error that names the first other one.
///
/// Unlike the indices of `take`, negative ones are wrong where there is a bound: a label of -1 is a mistake in the data.
/// Values are looked at as they are, before any conversion.
struct CheckIndices: Primitive {
  /// The number of classes, or of rows of a table: indices are in `0 ..< bound`. Without one any whole number will do.
  let bound: Int?
  /// Who asks, for the message.
  let operation: String

  /// int32 where that holds every index, else int64.
  private var type: DType { (bound ?? .max) - 1 <= Int(Int32.max) ? .int32 : .int64 }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    return [TensorSpec(inputs[0].shape, type)]
  }

  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let count = x.elementCount
    let (from, to) = (x.dtype == .bool ? DType.uint8.code : x.dtype.code, y.dtype.code)
    let (first, last) = bound.map { (0, Int64($0) - 1) } ?? (Int64.min, Int64.max)
    let (bound, operation) = (bound, operation)
    return {
      let bad = apus_whole_numbers(from, x.pointer, to, y.pointer, count, first, last)
      guard bad >= 0 else { return }
      let address = x.pointer + bad * x.dtype.size
      throw EngineError.index(
        operation: operation,
        message:
          "number \(numberText(address, x.dtype)) at position \(bad) does not exist: it must "
          + "be " + (bound.map { "in 0..<\($0)" } ?? "a whole number"))
    }
  }

  func gradient(_ context: GradientContext) -> [Tensor?] { [nil] }
}

/// `x` as indices in `0 ..< bound`, int32 where that holds them, else int64; see ``CheckIndices``.
func wholeNumbers(_ x: Tensor, below bound: Int, _ operation: String) -> Tensor {
  apply1(CheckIndices(bound: bound, operation: operation), x)
}
