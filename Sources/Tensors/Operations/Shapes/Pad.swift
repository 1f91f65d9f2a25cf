/// The input with a border of one value.
struct Pad: Primitive {
  /// How many elements to put before the first along each axis.
  let before: [Int]
  /// How many elements to put behind the last along each axis.
  let after: [Int]
  /// The value of the border.
  let value: Double

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  /// The input's shape with the border.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let shape = inputs[0].shape
    guard before.count == shape.rank, after.count == shape.rank,
      (before + after).allSatisfy({ $0 >= 0 })
    else {
      throw .shape(
        operation: name,
        message: """
          needs two widths of at least 0 for each of the \(shape.rank) axes of \(shape), got \
          \(before) before and \(after) after
          """)
    }
    let dtype = inputs[0].dtype
    guard dtype.isFloating || Int64(exactly: value).map(dtype.integerRange.contains) == true else {
      throw .invalidArgument(message: "pad: the value \(value) does not fit \(dtype)")
    }
    let lengths = shape.indices.map { before[$0] + shape.dimensions[$0] + after[$0] }
    return [TensorSpec(Shape(lengths), inputs[0].dtype)]
  }

  /// The value everywhere, then a copy into the middle.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let fill = fillKernel(y, value)
    let offset = before.indices.reduce(0) { $0 + before[$1] * y.strides[$1] }
    let copy = copyKernel(
      from: x.pointer, strides: x.strides, to: y.pointer + offset * y.dtype.size,
      strides: y.strides, shape: x.shape, size: x.dtype.size, workspace)
    return {
      try fill()
      try copy()
    }
  }

  /// `g` without the border.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let steps = [Int](repeating: 1, count: before.count)
    return [apply1(Slice(starts: before, lengths: c.x.shape.dimensions, steps: steps), c.g)]
  }

  /// The same border around every example.
  func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Pad(before: [0] + before, after: [0] + after, value: value)
  }
}

/// A kernel that writes one value to every element of a row-major `y`.
private func fillKernel(_ y: Operand, _ value: Double) -> Kernel {
  let count = y.elementCount
  func fill<S>(_ scalar: S) -> Kernel {
    let target = y.pointer(as: S.self)
    return { target.update(repeating: scalar, count: count) }
  }
  func whole<S: FixedWidthInteger>(_ type: S.Type) -> S { S(exactly: value) ?? 0 }
  switch y.dtype {
  case .float32: return fill(Float(value))
  case .float64: return fill(value)
  case .int32: return fill(whole(Int32.self))
  case .int64: return fill(whole(Int64.self))
  case .uint8: return fill(whole(UInt8.self))
  case .bool: return fill(value != 0)
  }
}

/// `x` with a border of `value`, which an integer tensor must hold exactly: another one fails with
/// ``EngineError/invalidArgument(message:)``.
///
/// - Parameters:
///   - x: of any shape and type.
///   - widths: for each axis how many elements to put before the first and behind the last.
///   - value: that of the border.
/// - Returns: each axis longer by its two widths. Another number of widths than of axes, or one below 0, is an
///   ``EngineError/shape(operation:message:)``.
public func pad(_ x: Tensor, _ widths: [(before: Int, after: Int)], value: Double = 0) -> Tensor {
  if !widths.isEmpty && widths.allSatisfy({ $0 == (0, 0) }) && widths.count == x.rank { return x }
  return apply1(
    Pad(before: widths.map(\.before), after: widths.map(\.after), value: value), x)
}
