/// Every `steps[i]`-th element from `starts[i]` on, `lengths[i]` of them, along every axis `i`, as
/// a view.
struct Slice: Primitive {
  /// The first position along each axis.
  let starts: [Int]
  /// How many positions along each axis.
  let lengths: [Int]
  /// The distance between positions along each axis; may be negative, not 0.
  let steps: [Int]

  /// Any strides will do.
  var acceptsStrided: Bool { true }

  /// The lengths of the slice, if all positions exist.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try checkSlice(of: inputs[0].shape, starts, lengths, steps)
    return [TensorSpec(Shape(lengths), inputs[0].dtype)]
  }

  /// The same memory from the first position on, with strides times steps.
  func view(of input: Layout) -> Layout? {
    // An empty slice may start behind the end; its offset is never read.
    let offset =
      lengths.contains(0) ? 0 : starts.indices.reduce(0) { $0 + starts[$1] * input.strides[$1] }
    return Layout(
      shape: Shape(lengths), strides: zip(input.strides, steps).map { $0 * $1 },
      offset: input.offset + offset)
  }

  /// A copy of the slice.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    guard let view = view(of: Layout(shape: x.shape, strides: x.strides)) else { return {} }
    return copyKernel(
      from: x.pointer + view.offset * x.dtype.size, strides: view.strides, to: y.pointer,
      strides: y.strides, shape: y.shape, size: y.dtype.size, workspace)
  }

  /// `g` in its place among zeros.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(ScatterSlice(shape: c.x.shape, starts: starts, lengths: lengths, steps: steps), c.g)]
  }

  /// The same slice of every example.
  func withExampleAxis(_ count: Int) -> (any Primitive)? {
    Slice(starts: [0] + starts, lengths: [count] + lengths, steps: [1] + steps)
  }
}

/// Zeros with the input written into a slice: the transpose of ``Slice``.
package struct ScatterSlice: Primitive {
  /// The shape of the output.
  package let shape: Shape
  /// The first position along each axis.
  package let starts: [Int]
  /// How many positions along each axis: the shape of the input.
  package let lengths: [Int]
  /// The distance between positions along each axis; may be negative, not 0.
  package let steps: [Int]

  /// The input in a slice of zeros of `shape`; one entry an axis in each list.
  package init(shape: Shape, starts: [Int], lengths: [Int], steps: [Int]) {
    self.shape = shape
    self.starts = starts
    self.lengths = lengths
    self.steps = steps
  }

  /// Any strides will do.
  package var acceptsStrided: Bool { true }

  /// The given shape, if the slice lies in it and has the shape of the input.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try checkSlice(of: shape, starts, lengths, steps)
    guard inputs[0].shape.dimensions == lengths else {
      throw EngineError(
        .shape, operation: name,
        .requirement(of: "the input", must: "have shape \(lengths)", found: "\(inputs[0].shape)"))
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// Zeros, then a copy into the slice.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0], outputs[0])
    let offset =
      lengths.contains(0) ? 0 : starts.indices.reduce(0) { $0 + starts[$1] * y.strides[$1] }
    let copy = copyKernel(
      from: x.pointer, strides: x.strides, to: y.pointer + offset * y.dtype.size,
      strides: zip(y.strides, steps).map { $0 * $1 }, shape: x.shape, size: x.dtype.size, workspace)
    let clear = zeroKernel(y, workspace)
    return {
      try clear()
      try copy()
    }
  }

  /// The slice of `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(Slice(starts: starts, lengths: lengths, steps: steps), c.g)]
  }

  /// The same slice of every example.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ScatterSlice(
      shape: Shape([count] + shape), starts: [0] + starts, lengths: [count] + lengths,
      steps: [1] + steps)
  }
}

extension Primitive {
  /// Checks that a slice lies within `shape`.
  func checkSlice(
    of shape: Shape, _ starts: [Int], _ lengths: [Int], _ steps: [Int]
  ) throws(EngineError) {
    guard starts.count == shape.rank, lengths.count == shape.rank, steps.count == shape.rank else {
      throw .shape(
        operation: name,
        message: """
          needs a start, a length and a step for each of the \(shape.rank) axes of \(shape), got \
          \(starts), \(lengths) and \(steps)
          """)
    }
    for (axis, bound) in shape.enumerated() {
      guard steps[axis] != 0, lengths[axis] >= 0 else {
        throw .argument(
          "along axis \(axis) the step", of: name, must: "not be 0 and the length not negative",
          found: "\(steps[axis]) and \(lengths[axis])")
      }
      guard lengths[axis] > 0 else { continue }
      let last = starts[axis] + (lengths[axis] - 1) * steps[axis]
      guard (0..<bound).contains(starts[axis]), (0..<bound).contains(last) else {
        throw .index(
          operation: name,
          message: """
            positions \(starts[axis]) to \(last) do not lie in axis \(axis) of \(shape): it has \
            positions 0..<\(bound)
            """)
      }
    }
  }
}

/// Every `step`-th element of one axis from `start` up to but not including `end`; shares memory
/// with `x`.
///
/// - Parameters:
///   - x: of any shape with an axis, and any type.
///   - axis: negative from the end.
///   - start: the first position, negative from the end; the first element by default (the last for
///     a negative step).
///   - end: the position to stop before, negative from the end; behind the last element by default.
///   - step: the distance between positions; negative runs backwards, and 0 is an
///     ``EngineError/invalidArgument(message:)``.
/// - Returns: a view of `x`; bounds beyond the ends are cut off. An axis that does not exist is an
///   ``EngineError/shape(operation:message:)``.
public func slice(
  _ x: Tensor, axis: Int, from start: Int? = nil, to end: Int? = nil, by step: Int = 1
) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, "slice")
    let range = try SliceBounds(start: start, end: end, step: step, length: x.shape[axis])
    var starts = [Int](repeating: 0, count: x.rank)
    var lengths = x.shape.dimensions
    var steps = [Int](repeating: 1, count: x.rank)
    (starts[axis], lengths[axis], steps[axis]) = (range.start, range.count, step)
    return apply1(Slice(starts: starts, lengths: lengths, steps: steps), x)
  }
}

/// A slice of one axis in the form of Python: bounds beyond the ends are cut off.
struct SliceBounds {
  var start: Int
  var count: Int
  var step: Int

  init(start: Int?, end: Int?, step: Int, length: Int) throws(EngineError) {
    guard step != 0 else {
      throw .invalidArgument(message: "slice: the step must not be 0")
    }
    // As PySlice_AdjustIndices: backwards, -1 stands before the first element.
    let (lowest, highest) = step > 0 ? (0, length) : (-1, length - 1)
    func position(_ bound: Int) -> Int {
      Swift.min(Swift.max(bound < 0 ? bound + length : bound, lowest), highest)
    }
    let first = start.map(position) ?? (step > 0 ? 0 : length - 1)
    let last = end.map(position) ?? (step > 0 ? length : -1)
    let span = step > 0 ? last - first : first - last
    self.start = first
    count = span > 0 ? Int(UInt(span - 1) / step.magnitude) + 1 : 0
    // A single element has no distance to the next one, however large.
    self.step = count > 1 ? step : 1
  }
}
