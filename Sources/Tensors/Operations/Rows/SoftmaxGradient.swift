import CKernels

/// The gradient of ``SoftmaxOperation`` along the last axis: `y · (g − Σ g·y)` with the output `y`.
package struct SoftmaxGradient: AnyLeadingAxes {
  /// The operation.
  package init() {}

  /// The output may lie on either input.
  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 1)]
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    try expectAxis(inputs[0].shape.rank - 1, inputs[0])
    return [inputs[0]]
  }

  /// Rows, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (y, g, dx) = (inputs[0].pointer, inputs[1].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      apus_softmax_grad(dtype, y + start, g + start, dx + start, rows, columns)
    }
  }

  /// With incoming gradient `h`: `h · (g − Σ g·y) − g · Σ h·y` for `y`, `y · (h − Σ h·y)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    func along(_ g: Tensor) -> Tensor { sum(g * y, axis: -1, keepDims: true) }
    return c.wanted(
      c.g * (g - along(g)) - g * along(c.g), apply1(SoftmaxGradient(), y, c.g))
  }
}
