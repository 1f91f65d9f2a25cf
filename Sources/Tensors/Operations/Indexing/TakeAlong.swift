import CKernels

/// One entry of an axis for every place of the others.
package struct TakeAlong: Primitive {
  /// The axis, from the front.
  package let axis: Int

  /// Entries of `axis`.
  package init(axis: Int) { self.axis = axis }

  /// The first input's shape without the axis, which is the shape of the indices.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectAxis(axis, inputs[0])
    try expectIndices(inputs[1])
    let shape = inputs[0].shape.reduced([axis], keepDims: false)
    guard inputs[1].shape == shape else {
      throw EngineError(
        .shape, operation: name,
        .requirement(
          of: "indices for axis \(axis) of \(inputs[0].shape)", must: "have shape \(shape)",
          found: "\(inputs[1].shape)"))
    }
    return [TensorSpec(shape, inputs[0].dtype)]
  }

  /// One element an index. The kernel throws ``EngineError/index(operation:message:)`` for an index
  /// out of bounds.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, indices, y) = (inputs[0], inputs[1], outputs[0])
    let lengths = x.shape.dimensions
    let (outer, n, inner) = (
      lengths[..<axis].reduce(1, *), lengths[axis], lengths[(axis + 1)...].reduce(1, *)
    )
    let size = Int32(x.dtype.size)
    return {
      let bad = apus_take_along(
        size, x.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, inner)
      if bad >= 0 { throw indices.outOfBounds(at: bad, bound: n, operation: "takeAlong") }
    }
  }

  /// `g` at the elements it came from; none for the indices.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let scatter = ScatterAlong(axis: axis, length: c.x.shape.dimensions[axis])
    return [apply1(scatter, c.g, c.inputs[1]), nil]
  }

  /// Entries of the same axis.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? { TakeAlong(axis: axis + 1) }
}

/// One entry of an axis for every place of the others: `[a, n, b]` and indices `[a, b]` give `[a,
/// b]`.
///
/// What picks the probability of the right class. Like `numpy.take_along_axis` for one index a
/// place, without the axis.
///
/// - Parameters:
///   - indices: integers from `-n` to `n - 1`, of the shape of `x` without the axis. Any other
///     value throws ``EngineError/index(operation:message:)`` when the operation runs.
///   - axis: negative from the end; the last by default.
public func takeAlong(_ x: Tensor, _ indices: Tensor, axis: Int = -1) -> Tensor {
  attempt { apply1(TakeAlong(axis: try x.shape.axis(axis, "takeAlong")), x, indices) }
}
