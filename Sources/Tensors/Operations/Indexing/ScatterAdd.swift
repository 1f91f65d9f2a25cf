import CKernels

/// Zeros with the input's entries added at positions of one axis: the transpose of ``Take``.
package struct ScatterAdd: Primitive {
  /// The axis of the output, from the front.
  package let axis: Int
  /// The length of that axis.
  package let length: Int
  /// The number of axes of the indices.
  package let indexRank: Int

  /// A sum into `length` entries of `axis`, by indices of rank `indexRank`.
  package init(axis: Int, length: Int, indexRank: Int) {
    self.axis = axis
    self.length = length
    self.indexRank = indexRank
  }

  /// The input's shape with the axes of the indices replaced by one of the given length.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
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
    guard inputs[0].dtype != .bool else {
      throw .unsupported(.bool, by: name)
    }
    return [
      TensorSpec(
        Shape(shape[..<axis] + [length] + shape[(axis + indexRank)...]), inputs[0].dtype)
    ]
  }

  /// One addition an entry, in order of the indices.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, indices, y) = (inputs[0], inputs[1], outputs[0])
    let count = indices.elementCount
    let lengths = y.shape.dimensions
    let (outer, n, inner) = (
      lengths[..<axis].reduce(1, *), length, lengths[(axis + 1)...].reduce(1, *)
    )
    return {
      let bad = apus_scatter_add(
        y.dtype.code, g.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, count,
        inner)
      if bad >= 0 { throw indices.outOfBounds(at: bad, bound: n, operation: "scatterAdd") }
    }
  }

  /// The entries of `g`; none for the indices.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(Take(axis: axis), c.g, c.inputs[1]), nil]
  }

  /// Where the indices differ from example to example, into all examples' axes in a row.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
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

/// Zeros of `length` entries along an axis, to which the entries of `x` are added by number.
///
/// The transpose of ``take(_:_:axis:)``: `x` of shape `[a, i, j, b]` and indices of shape `[i, j]`
/// along axis 1 give `[a, length, b]`. Entries with equal indices add up, in order.
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
