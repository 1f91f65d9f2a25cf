import CKernels

/// Layer normalisation of the rows along the last axis with scale and offset, in one sweep.
///
/// `y = (x − mean) · r · gamma + beta` with `r = 1 / √(variance + epsilon)`. Inputs `x`, `gamma` and `beta`, the latter
/// of the length of the last axis. Further outputs, for the gradient: `mean` and `r`.
///
/// - SeeAlso: Ba, Kiros, Hinton, *Layer Normalization* (2016), equations 3 and 4.
struct ScaledLayerNorm: Primitive {
  /// What is added to the variance.
  let epsilon: Double

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 3)
    let x = inputs[0]
    try expectRows(x)
    let row = TensorSpec([x.shape[-1]], x.dtype)
    try expectEqual(row, inputs[1])
    try expectEqual(row, inputs[2])
    let column = TensorSpec(x.shape.reduced([x.shape.rank - 1], keepDims: true), x.dtype)
    return [x, column, column]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, gamma, beta) = (inputs[0].pointer, inputs[1].pointer, inputs[2].pointer)
    let (y, mean, scale) = (outputs[0].pointer, outputs[1].pointer, outputs[2].pointer)
    let (rows, columns) = (outputs[1].elementCount, inputs[0].shape[-1])
    let (dtype, size, epsilon) = (inputs[0].dtype.code, inputs[0].dtype.size, epsilon)
    return workspace.parallel(rows, grain: Workspace.rowGrain(columns)) { items, _ in
      let (row, start) = (items.lowerBound * size, items.lowerBound * columns * size)
      apus_scaled_layer_norm(
        dtype, x + start, gamma, beta, y + start, mean + row, scale + row, items.count, columns,
        epsilon)
    }
  }

  /// See ``ScaledLayerNormGradient``.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    // The mean and r do not leave the operations that need them, so nothing arrives there.
    apply(
      ScaledLayerNormGradient(epsilon: epsilon),
      [c.x, c.outputs[1], c.outputs[2], c.inputs[1], c.g])
  }

  /// More rows; scale and offset of their own for each example are applied afterwards.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    if mapped == [true, false, false] { return apply(self, inputs) }
    let x = inputs[0].examples(count, isMapped: mapped[0])
    let unit = Tensor.ones([x.shape[-1]], dtype: x.dtype)
    let outputs = apply(self, [x, unit, .zeros(unit.shape, dtype: x.dtype)])
    let (gamma, beta) = (
      row(inputs[1], mapped[1], like: x), row(inputs[2], mapped[2], like: x)
    )
    return [outputs[0] * gamma + beta, outputs[1], outputs[2]]
  }
}

/// The gradients of ``ScaledLayerNorm`` for `x`, `gamma` and `beta` in one sweep, from `x`, mean, `r`, `gamma` and the
/// incoming gradient.
///
/// The sums over rows are taken in chunks of rows, and the chunks' sums added in order: the same for any number of
/// threads.
struct ScaledLayerNormGradient: Primitive {
  /// What was added to the variance.
  let epsilon: Double
  private static let chunk = 32

  /// The gradient for `x` may lie on `x` or on the incoming one.
  var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 4)]
  }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 5)
    let (x, gamma) = (inputs[0], inputs[3])
    let outputs = try ScaledLayerNorm(epsilon: epsilon).infer([x, gamma, gamma])
    try expectEqual(outputs[1], inputs[1])
    try expectEqual(outputs[2], inputs[2])
    try expectEqual(outputs[0], inputs[4])
    return [x, gamma, gamma]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, mean, scale) = (inputs[0].pointer, inputs[1].pointer, inputs[2].pointer)
    let (gamma, g, dx) = (inputs[3].pointer, inputs[4].pointer, outputs[0].pointer)
    let (dgamma, dbeta) = (outputs[1].pointer, outputs[2].pointer)
    let (rows, columns) = (inputs[1].elementCount, inputs[0].shape[-1])
    let (dtype, size, chunk) = (inputs[0].dtype.code, inputs[0].dtype.size, Self.chunk)
    let width = columns * size
    let chunks = (rows + chunk - 1) / chunk
    guard chunks * width > 0 else {
      return {
        dgamma.initializeMemory(as: UInt8.self, repeating: 0, count: width)
        dbeta.initializeMemory(as: UInt8.self, repeating: 0, count: width)
      }
    }
    workspace.require(bytes: 2 * chunks * width)
    let sweep = workspace.parallel(
      rows, grain: Workspace.rowGrain(columns), multiple: chunk
    ) { items, _ in
      // Every chunk has a place of its own in memory that all parts share.
      let sums = workspace.base(part: 0)
      for start in stride(from: items.lowerBound, to: items.upperBound, by: chunk) {
        let sum = sums + 2 * (start / chunk) * width
        sum.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * width)
        let (row, offset) = (start * size, start * width)
        apus_scaled_layer_norm_grad(
          dtype, x + offset, mean + row, scale + row, gamma, g + offset, dx + offset, sum,
          sum + width, min(chunk, items.upperBound - start), columns)
      }
    }
    return {
      try sweep()
      dgamma.initializeMemory(as: UInt8.self, repeating: 0, count: width)
      dbeta.initializeMemory(as: UInt8.self, repeating: 0, count: width)
      let sums = workspace.base(part: 0)
      for index in 0..<chunks {
        apus_accumulate(dtype, sums + 2 * index * width, dgamma, columns)
        apus_accumulate(dtype, sums + (2 * index + 1) * width, dbeta, columns)
      }
    }
  }

  /// That of the same gradients composed of ordinary operations, as functions of `x`, `gamma` and `g` alone.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let leaves = [c.inputs[0], c.inputs[3], c.inputs[4]].map { Node(leaf: $0) }
    let (x, gamma, g) = (leaves[0].output(0), leaves[1].output(0), leaves[2].output(0))
    let centred = x - mean(x, axis: -1, keepDims: true)
    let scale = rsqrt(mean(square(centred), axis: -1, keepDims: true) + epsilon)
    let (y, slope) = (centred * scale, g * gamma)
    let along = mean(slope * y, axis: -1, keepDims: true)
    let dx = scale * (slope - mean(slope, axis: -1, keepDims: true) - y * along)
    let rows = Array(0..<(x.rank - 1))
    let outputs = [dx, sum(g * y, axes: rows), sum(g, axes: rows)]
    let found = c.gradients(through: outputs, to: leaves, of: [0, 3, 4])
    return [found[0], nil, nil, found[1], found[2]]
  }

  /// The gradients of scale and offset are sums over the rows of one example.
  func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    func wide(_ index: Int) -> Tensor {
      inputs[index].examples(count, isMapped: mapped[index])
    }
    let (x, scale, g) = (wide(0), wide(2), wide(4))
    let y = (x - wide(1)) * scale
    let rows = Array(1..<(x.rank - 1))
    let dx = apply1(LayerNormGradient(), y, scale, g * row(inputs[3], mapped[3], like: x))
    return [dx, sum(g * y, axes: rows), sum(g, axes: rows)]
  }
}

/// Rows along the last axis with mean 0 and standard deviation 1, times `gamma` plus `beta`.
///
/// - Parameters:
///   - x: `[..., n]`; integers become float32.
///   - gamma: of the length of the last axis and the type of `x`.
///   - beta: likewise.
///   - epsilon: added to the variance; 1e-3, as in Keras.
/// - Returns: of the shape of `x`.
public func layerNorm(
  _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Double = 1e-3
) -> Tensor {
  apply(ScaledLayerNorm(epsilon: epsilon), [floating(x), gamma, beta])[0]
}

/// A row `[columns]`, or one for each example, in a shape that broadcasts to `[examples, ..., columns]`.
private func row(_ x: Tensor, _ isMapped: Bool, like whole: Tensor) -> Tensor {
  guard isMapped else { return x }
  let unit = [Int](repeating: 1, count: whole.rank - 2)
  return x.reshape(Shape([x.shape[0]] + unit + [x.shape[1]]))
}
