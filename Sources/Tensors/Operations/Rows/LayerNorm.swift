import CKernels

/// The rows along the last axis, centred and divided by their standard deviation.
///
/// `y = (x − mean) · r` with `r = 1 / √(variance + epsilon)`; the second output is `r`.
///
/// - SeeAlso: Ba, Kiros, Hinton, *Layer Normalization* (2016), equation 3.
struct LayerNorm: AnyLeadingAxes {
  /// What is added to the variance.
  let epsilon: Double

  /// `[..., n]` gives `[..., n]` and `[..., 1]`.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectRows(x)
    return [x, TensorSpec(x.shape.reduced([x.shape.rank - 1], keepDims: true), x.dtype)]
  }

  /// Rows, some on each thread.
  func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y, scale) = (inputs[0].pointer, outputs[0].pointer, outputs[1].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    let epsilon = epsilon
    // Also for rows without elements: they have a deviation.
    return workspace.parallel(
      outputs[1].elementCount, grain: Workspace.rowGrain(columns)
    ) { items, _ in
      let (row, start) = (items.lowerBound * size, items.lowerBound * columns * size)
      apus_layer_norm(
        dtype, x + start, y + start, nil, scale + row, items.count, columns, epsilon)
    }
  }

  /// See ``LayerNormGradient``; in second derivatives also through `r`, whose derivative is
  /// `-r² · y / n`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let scale = c.outputs[1]
    var result = c.incoming[0].map { apply1(LayerNormGradient(), c.y, scale, $0) }
    if let h = c.incoming[1] {
      let through = h * -square(scale) * c.y / Double(Swift.max(c.x.shape[-1], 1))
      result = result.map { $0 + through } ?? through
    }
    return [result]
  }
}

/// The gradient of ``LayerNorm``: `r · (g − mean(g) − y · mean(g·y))` along the last axis.
struct LayerNormGradient: AnyLeadingAxes {
  /// The shape of `y` and `g`; `r` has length 1 along the last axis.
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 3)
    let (y, scale, g) = (inputs[0], inputs[1], inputs[2])
    try expectRows(y)
    try expectEqual(y, g)
    try expectEqual(
      TensorSpec(y.shape.reduced([y.shape.rank - 1], keepDims: true), y.dtype), scale)
    return [y]
  }

  /// Rows, some on each thread.
  func prepare(
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
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, scale, g, h) = (c.inputs[0], c.inputs[1], c.inputs[2], c.g)
    let along = mean(g * y, axis: -1, keepDims: true)
    let across = mean(h * y, axis: -1, keepDims: true)
    let centred = g - mean(g, axis: -1, keepDims: true)
    return c.wanted(
      -scale * (h * along + g * across),
      sum(h * (centred - y * along), axis: -1, keepDims: true),
      apply1(self, y, scale, h))
  }
}

/// Rows along the last axis with mean 0 and standard deviation 1; no scale, no offset.
///
/// - Parameters:
///   - x: `[..., n]`; integers become float32.
///   - epsilon: added to the variance, so that constant rows become 0; 1e-3, as in Keras.
/// - Returns: of the shape of `x`.
/// - SeeAlso: Ba, Kiros, Hinton, *Layer Normalization* (2016), equation 3.
public func layerNorm(_ x: Tensor, epsilon: Double = 1e-3) -> Tensor {
  apply1(LayerNorm(epsilon: epsilon), floating(x))
}
