import CKernels

/// The gradient of ``LayerNorm``: `r · (g − mean(g) − y · mean(g·y))` along the last axis.
package struct LayerNormGradient: AnyLeadingAxes {
  /// The operation.
  package init() {}

  /// The shape of `y` and `g`; `r` has length 1 along the last axis.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 3)
    let (y, scale, g) = (inputs[0], inputs[1], inputs[2])
    try expectFloating(y)
    try expectAxis(y.shape.rank - 1, y)
    try expectEqual(y, g)
    try expectEqual(
      TensorSpec(y.shape.reduced([y.shape.rank - 1], keepDims: true), y.dtype), scale)
    return [y]
  }

  /// Rows, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (y, scale) = (inputs[0].pointer, inputs[1].pointer)
    let (g, dx) = (inputs[2].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      apus_layer_norm_grad(
        dtype, y + start, scale + first * size, g + start, dx + start, rows, columns)
    }
  }

  /// With incoming gradient `h`: `-r · (h · mean(g·y) + g · mean(h·y))` for `y`,
  /// `Σ h · (g − mean(g) − y · mean(g·y))` for `r`, and the same operation on `h` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, scale, g, h) = (c.inputs[0], c.inputs[1], c.inputs[2], c.g)
    let along = mean(g * y, axis: -1, keepDims: true)
    let across = mean(h * y, axis: -1, keepDims: true)
    let centred = g - mean(g, axis: -1, keepDims: true)
    return c.wanted(
      -scale * (h * along + g * across),
      sum(h * (centred - y * along), axis: -1, keepDims: true),
      apply1(LayerNormGradient(), y, scale, h))
  }
}
