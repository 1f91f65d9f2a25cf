import CKernels

/// One entry of an axis for every place of the others.
struct TakeAlong: Primitive {
  /// The axis, from the front.
  let axis: Int

  /// The first input's shape without the axis, which is the shape of the indices.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
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
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, indices, y) = (inputs[0], inputs[1], outputs[0])
    let (outer, n, inner) = x.shape.parts(around: axis)
    let size = Int32(x.dtype.size)
    return {
      let bad = apus_take_along(
        size, x.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, inner)
      if bad >= 0 { throw indices.outOfBounds(at: bad, bound: n, operation: "takeAlong") }
    }
  }

  /// `g` at the elements it came from; none for the indices.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let scatter = ScatterAlong(axis: axis, length: c.x.shape.dimensions[axis])
    return [apply1(scatter, c.g, c.inputs[1]), nil]
  }

  /// Entries of the same axis.
  func withExampleAxis(_ count: Int) -> (any Primitive)? { TakeAlong(axis: axis + 1) }
}

/// Zeros with one element of the input along an axis for every place of the others: the transpose
/// of ``TakeAlong``.
package struct ScatterAlong: Primitive {
  /// The axis of the output, from the front.
  package let axis: Int
  /// The length of that axis.
  package let length: Int

  /// A new axis of `length` entries, one of them not 0.
  package init(axis: Int, length: Int) {
    self.axis = axis
    self.length = length
  }

  /// The input's shape with the new axis.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectIndices(inputs[1])
    try expectNumeric(inputs[0])
    guard inputs[0].shape == inputs[1].shape, axis >= 0, axis <= inputs[0].shape.rank else {
      throw EngineError(
        .shape, operation: name,
        .requirement(
          of: "values and indices", must: "have one shape",
          found: "\(inputs[0].shape) and \(inputs[1].shape) for axis \(axis)"))
    }
    var lengths = inputs[0].shape.dimensions
    lengths.insert(length, at: axis)
    return [TensorSpec(Shape(lengths), inputs[0].dtype)]
  }

  /// Zeros, then one element an index.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (g, indices, y) = (inputs[0], inputs[1], outputs[0])
    let (outer, n, inner) = y.shape.parts(around: axis)
    return {
      let bad = apus_scatter_along(
        y.dtype.code, g.pointer, indices.pointer, indices.dtype.code, y.pointer, outer, n, inner)
      if bad >= 0 { throw indices.outOfBounds(at: bad, bound: n, operation: "scatterAlong") }
    }
  }

  /// The elements of `g`; none for the indices.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(TakeAlong(axis: axis), c.g, c.inputs[1]), nil]
  }

  /// The same axis among zeros.
  package func withExampleAxis(_ count: Int) -> (any Primitive)? {
    ScatterAlong(axis: axis + 1, length: length)
  }
}

/// One entry of an axis for every place of the others: `[a, n, b]` and indices `[a, b]` give `[a,
/// b]`.
///
/// What picks the probability of the right class. Like `numpy.take_along_axis` for one index a
/// place, without the axis.
///
/// - Parameters:
///   - x: of any shape with an axis, and any type.
///   - indices: integers from `-n` to `n - 1`, of the shape of `x` without the axis. Any other
///     value throws ``EngineError/index(operation:message:)`` when the operation runs.
///   - axis: negative from the end; the last by default.
/// - Returns: the shape of the indices. Another shape of them, or an axis that does not exist, is an
///   ``EngineError/shape(operation:message:)``, indices without an integer type an ``EngineError/dtype(operation:message:)``.
public func takeAlong(_ x: Tensor, _ indices: Tensor, axis: Int = -1) -> Tensor {
  attempt { apply1(TakeAlong(axis: try x.shape.axis(axis, "takeAlong")), x, indices) }
}
