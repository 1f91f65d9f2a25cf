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
