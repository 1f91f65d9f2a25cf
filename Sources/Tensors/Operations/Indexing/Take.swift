import CKernels

/// Entries of one axis by number.
package struct Take: Primitive {
  /// The axis, from the front.
  package let axis: Int

  /// Entries of `axis`.
  package init(axis: Int) { self.axis = axis }

  /// The first input's shape with the axis replaced by the shape of the indices.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectAxis(axis, inputs[0])
    try expectIndices(inputs[1])
    let lengths = inputs[0].shape.dimensions
    let result = lengths[..<axis] + inputs[1].shape.dimensions + lengths[(axis + 1)...]
    return [TensorSpec(Shape(Array(result)), inputs[0].dtype)]
  }

  /// One copy an entry. The kernel throws ``EngineError/index(operation:message:)`` for an index
  /// out of bounds.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, indices, y) = (inputs[0], inputs[1], outputs[0])
    let count = indices.elementCount
    let lengths = x.shape.dimensions
    let (outer, n, inner) = (
      lengths[..<axis].reduce(1, *), lengths[axis], lengths[(axis + 1)...].reduce(1, *)
    )
    let size = Int32(x.dtype.size)
    return {
      let bad = apus_take(
        size, x.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, count, inner)
      if bad >= 0 { throw indices.outOfBounds(at: bad, bound: n, operation: "take") }
    }
  }

  /// `g` added to the entries it came from; none for the indices.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let scatter = ScatterAdd(
      axis: axis, length: c.x.shape.dimensions[axis], indexRank: c.inputs[1].rank)
    return [apply1(scatter, c.g, c.inputs[1]), nil]
  }

  /// Where both differ from example to example, entries of all examples' axes in a row.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
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
///   - indices: integers from `-n` to `n - 1`, negative from the end. Any other throws
///     ``EngineError/index(operation:message:)`` when the operation runs.
///   - axis: negative from the end.
public func take(_ x: Tensor, _ indices: Tensor, axis: Int = 0) -> Tensor {
  attempt { apply1(Take(axis: try x.shape.axis(axis, "take")), x, indices) }
}

extension Tensor {
  /// Entries of one axis by number; see ``take(_:_:axis:)``.
  public func take(_ indices: Tensor, axis: Int = 0) -> Tensor {
    Tensors.take(self, indices, axis: axis)
  }
}
