import CKernels

/// The rows along the last axis, centred and divided by their standard deviation.
///
/// `y = (x − mean) · r` with `r = 1 / √(variance + epsilon)`; the second output is `r`.
///
/// - SeeAlso: Ba, Kiros, Hinton, *Layer Normalization* (2016), equation 3.
package struct LayerNorm: AnyLeadingAxes {
  /// What is added to the variance.
  package let epsilon: Double

  /// A normalisation that adds `epsilon` to the variance.
  package init(epsilon: Double) { self.epsilon = epsilon }

  /// `[..., n]` gives `[..., n]` and `[..., 1]`.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    let x = inputs[0]
    try expectFloating(x)
    try expectAxis(x.shape.rank - 1, x)
    return [x, TensorSpec(x.shape.reduced([x.shape.rank - 1], keepDims: true), x.dtype)]
  }

  /// Rows, some on each thread.
  package func prepare(
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
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let scale = c.outputs[1]
    var result = c.incoming[0].map { apply1(LayerNormGradient(), c.y, scale, $0) }
    if let h = c.incoming[1] {
      let through = h * -square(scale) * c.y / Double(Swift.max(c.x.shape[-1], 1))
      result = result.map { $0 + through } ?? through
    }
    return [result]
  }
}

/// Rows along the last axis with mean 0 and standard deviation 1; no scale, no offset.
///
/// - Parameter epsilon: added to the variance, so that constant rows become 0; 1e-3, as in Keras.
public func layerNorm(_ x: Tensor, epsilon: Double = 1e-3) -> Tensor {
  apply1(LayerNorm(epsilon: epsilon), floating(x))
}
