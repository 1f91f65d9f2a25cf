import CKernels

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
    guard inputs[0].dtype != .bool else {
      throw .unsupported(.bool, by: name)
    }
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
    let lengths = y.shape.dimensions
    let (outer, n, inner) = (
      lengths[..<axis].reduce(1, *), length, lengths[(axis + 1)...].reduce(1, *)
    )
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
