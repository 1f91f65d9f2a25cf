import CKernels

/// Entries of one axis by number.
struct Take: Primitive {
  /// The axis, from the front.
  let axis: Int

  /// The first input's shape with the axis replaced by the shape of the indices.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectAxis(axis, inputs[0])
    try expectIndices(inputs[1])
    let lengths = inputs[0].shape.dimensions
    let result = lengths[..<axis] + inputs[1].shape.dimensions + lengths[(axis + 1)...]
    return [TensorSpec(Shape(Array(result)), inputs[0].dtype)]
  }

  /// One copy an entry. The kernel throws ``EngineError/index(operation:message:)`` for an index
  /// out of bounds.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, indices, y) = (inputs[0], inputs[1], outputs[0])
    let count = indices.elementCount
    let (outer, n, inner) = x.shape.parts(around: axis)
    let size = x.dtype.size
    func copy(_ entries: Range<Int>, _ outer: Int) -> Int {
      apus_take(
        Int32(size), x.pointer, indices.pointer + entries.lowerBound * indices.dtype.size,
        indices.dtype.code, y.pointer + entries.lowerBound * inner * size, outer, n, entries.count,
        inner)
    }
    let found = FirstIndex(indices, bound: n, operation: "take", parts: workspace.threads)
    // Rows of several tables are not cut: entries of one table lie side by side.
    let grain = outer == 1 ? 1 + Workspace.elementGrain / Swift.max(inner, 1) : count
    let copies = workspace.parallel(count, grain: grain) { entries, part in
      let bad = copy(entries, outer)
      found.note(bad < 0 ? bad : bad + entries.lowerBound, part)
    }
    return {
      try copies()
      try found.check()
    }
  }

  /// `g` added to the entries it came from; none for the indices.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let scatter = ScatterAdd(
      axis: axis, length: c.x.shape.dimensions[axis], indexRank: c.inputs[1].rank)
    return [apply1(scatter, c.g, c.inputs[1]), nil]
  }

  /// Where both differ from example to example, entries of all examples' axes in a row.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    let (x, indices) = (inputs[0], inputs[1])
    guard mapped[1] else { return [apply1(Take(axis: axis + 1), x, indices)] }
    guard mapped[0] else { return [apply1(self, x, indices).movingAxis(axis, to: 0)] }
    let length = x.shape[axis + 1]
    let inRow = x.movingAxis(0, to: axis)
    var shape = inRow.shape.dimensions
    shape.replaceSubrange(axis...(axis + 1), with: [count * length])
    let found = apply1(self, inRow.reshape(Shape(shape)), inOneRow(indices, length: length))
    return [found.movingAxis(axis, to: 0)]
  }
}

/// Zeros with the input's entries added at positions of one axis: the transpose of ``Take``.
struct ScatterAdd: Primitive {
  /// The axis of the output, from the front.
  let axis: Int
  /// The length of that axis.
  let length: Int
  /// The number of axes of the indices.
  let indexRank: Int

  /// The input's shape with the axes of the indices replaced by one of the given length.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectIndices(inputs[1])
    let (shape, indices) = (inputs[0].shape.dimensions, inputs[1].shape.dimensions)
    guard indices.count == indexRank, shape.count >= axis + indexRank,
      Array(shape[axis..<(axis + indexRank)]) == indices
    else {
      throw .shape(
        operation: name,
        message: """
          values \(inputs[0].shape) must have the axes of the indices \(indices) from axis \
          \(axis) on
          """)
    }
    try expectNumeric(inputs[0])
    return [
      TensorSpec(
        Shape(shape[..<axis] + [length] + shape[(axis + indexRank)...]), inputs[0].dtype)
    ]
  }

  /// One addition an entry, in order of the indices.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, indices, y) = (inputs[0], inputs[1], outputs[0])
    let count = indices.elementCount
    let (outer, n, inner) = y.shape.parts(around: axis)
    let found = FirstIndex(indices, bound: n, operation: "scatterAdd", parts: workspace.threads)
    // Cut along the rows of the table, so that one thread adds up an element, in order, however often an entry comes. What is
    // added comes from another core's cache: a thread is worth it for more elements than elsewhere.
    let rows = Swift.max(outer * Swift.max(count, n), 1)
    let sums = workspace.parallel(
      Swift.max(inner, 1), grain: 1 + 8 * Workspace.elementGrain / rows, multiple: 16
    ) { columns, part in
      found.note(
        apus_scatter_add(
          y.dtype.code, g.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, count,
          inner, columns.lowerBound, min(columns.upperBound, inner)), part)
    }
    return {
      try sums()
      try found.check()
    }
  }

  /// The entries of `g`; none for the indices.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(Take(axis: axis), c.g, c.inputs[1]), nil]
  }

  /// Where the indices differ from example to example, into all examples' axes in a row.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped[1] else {
      let wide = ScatterAdd(axis: axis + 1, length: length, indexRank: indexRank)
      return [apply1(wide, inputs[0], inputs[1])]
    }
    let values = inputs[0].examples(count, isMapped: mapped[0])
    let inRow = ScatterAdd(axis: axis, length: count * length, indexRank: indexRank + 1)
    let sums = apply1(
      inRow, values.movingAxis(0, to: axis), inOneRow(inputs[1], length: length))
    if sums.isInvalid { return [sums] }
    var shape = sums.shape.dimensions
    shape.replaceSubrange(axis...axis, with: [count, length])
    return [sums.reshape(Shape(shape)).movingAxis(axis, to: 0)]
  }
}

/// The first index that does not exist, found by parts of a kernel.
private final class FirstIndex {
  private let indices: Operand
  private let bound: Int
  private let operation: String
  /// For each part the position, or −1.
  private let places: UnsafeMutableBufferPointer<Int>

  init(_ indices: Operand, bound: Int, operation: String, parts: Int) {
    (self.indices, self.bound, self.operation) = (indices, bound, operation)
    places = .allocate(capacity: parts)
    places.initialize(repeating: -1)
  }

  deinit { places.deallocate() }

  func note(_ place: Int, _ part: Int) { places[part] = place }

  func check() throws {
    for place in places where place >= 0 {
      throw indices.outOfBounds(at: place, bound: bound, operation: operation)
    }
  }
}

extension Operand {
  /// The error for the index at a position (row-major) that does not exist along an axis of length
  /// `bound`.
  func outOfBounds(at position: Int, bound: Int, operation: String) -> EngineError {
    let value =
      switch dtype {
      case .int64: Int(pointer(as: Int64.self)[position])
      case .uint8: Int(pointer(as: UInt8.self)[position])
      default: Int(pointer(as: Int32.self)[position])
      }
    let range = bound > 0 ? "it must be in \(-bound)..<\(bound)" : "the axis is empty"
    return .index(
      operation: operation,
      message: "index \(value) at position \(position) does not exist: \(range)")
  }
}

/// Entries of one axis of `x` by number.
///
/// `x` of shape `[a, n, b]` and indices of shape `[i, j]` along axis 1 give `[a, i, j, b]`. The
/// gradient adds up over equal indices.
///
/// - Parameters:
///   - x: of any shape with an axis, and any type.
///   - indices: integers from `-n` to `n - 1`, negative from the end. Any other throws
///     ``EngineError/index(operation:message:)`` when the operation runs.
///   - axis: negative from the end.
/// - Returns: the shape of `x` with that of the indices in the place of the axis. An axis that does not exist is an
///   ``EngineError/shape(operation:message:)``, indices without an integer type an ``EngineError/dtype(operation:message:)``.
public func take(_ x: Tensor, _ indices: Tensor, axis: Int = 0) -> Tensor {
  attempt { apply1(Take(axis: try x.shape.axis(axis, "take")), x, indices) }
}

/// Zeros of `length` entries along an axis, to which the entries of `x` are added by number.
///
/// The transpose of ``take(_:_:axis:)``: `x` of shape `[a, i, j, b]` and indices of shape `[i, j]`
/// along axis 1 give `[a, length, b]`. Entries with equal indices add up, in order. bool and uint8 are added as int64.
public func scatterAdd(_ x: Tensor, _ indices: Tensor, length: Int, axis: Int = 0) -> Tensor {
  attempt {
    let rank = x.rank - indices.rank + 1
    let axis = axis < 0 ? axis + rank : axis
    guard axis >= 0, axis + indices.rank <= x.rank, length >= 0 else {
      throw EngineError.shape(
        operation: "scatterAdd",
        message: """
          values \(x.shape) do not have the axes of the indices \(indices.shape) at axis \(axis)
          """)
    }
    let primitive = ScatterAdd(axis: axis, length: length, indexRank: indices.rank)
    return apply1(primitive, countable(x), indices)
  }
}

extension Tensor {
  /// Entries of one axis by number; see ``take(_:_:axis:)``.
  public func take(_ indices: Tensor, axis: Int = 0) -> Tensor {
    Tensors.take(self, indices, axis: axis)
  }
}
