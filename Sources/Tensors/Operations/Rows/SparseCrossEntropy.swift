import CKernels

/// `−log softmax(x)[label]` for each row of `x` `[..., classes]` along the last axis, without overflow: `[...]`.
///
/// - Parameters:
///   - x: logits `[..., classes]`, floating.
///   - labels: int32 `[...]` in `0 ..< classes`, see ``CheckIndices``.
/// - Returns: the losses, `[...]`.
package func sparseCrossEntropy(_ x: Tensor, labels: Tensor) -> Tensor {
  apply(SparseCrossEntropy(), [x, labels])[0]
}

/// ``sparseCrossEntropy(_:labels:)``
///
/// Inputs: `x` `[..., classes]` and int32 labels `[...]` in `0 ..< classes`, see ``CheckIndices``. Outputs: the losses
/// `[...]`, and for the gradient the maximum of each row and `1 / Σ exp(x − maximum)`, `[..., 2]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.3.
struct SparseCrossEntropy: AnyLeadingAxes {
  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    let x = inputs[0]
    try expectRows(x)
    let rows = Shape(x.shape.dimensions.dropLast())
    try expectEqual(TensorSpec(rows, .int32), inputs[1])
    return [TensorSpec(rows, x.dtype), TensorSpec(Shape(rows + [2]), x.dtype)]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, labels) = (inputs[0].pointer, inputs[1].pointer(as: Int32.self))
    let (y, norms) = (outputs[0].pointer, outputs[1].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    return workspace.rows(of: inputs[0]) { first, rows in
      apus_cross_entropy(
        dtype, x + first * columns * size, labels + first, y + first * size,
        norms + 2 * first * size, rows, columns)
    }
  }

  /// See ``SparseCrossEntropyGradient``.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    // The second output does not leave the operations that need it, so nothing arrives there.
    [apply1(SparseCrossEntropyGradient(), c.x, c.inputs[1], c.outputs[1], c.g), nil]
  }
}

/// The gradient of ``SparseCrossEntropy``: `g · (softmax(x) − onehot(label))`, from `x`, labels, the second output of
/// the operation, and `g`.
struct SparseCrossEntropyGradient: AnyLeadingAxes {
  /// The output may lie on `x`.
  var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 4)
    let outputs = try SparseCrossEntropy().infer(Array(inputs[..<2]))
    try expectEqual(outputs[1], inputs[2])
    try expectEqual(outputs[0], inputs[3])
    return [inputs[0]]
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, labels) = (inputs[0].pointer, inputs[1].pointer(as: Int32.self))
    let (norms, g, dx) = (inputs[2].pointer, inputs[3].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      apus_cross_entropy_grad(
        dtype, x + start, labels + first, norms + 2 * first * size, g + first * size, dx + start,
        rows, columns)
    }
  }

  /// With incoming gradient `h` and `p = softmax(x)`: that of softmax for `g · h`, and `Σ h · (p − onehot)` for `g`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let (labels, g) = (c.inputs[1], c.inputs[3])
    let p = softmax(c.x)
    func hot() -> Tensor { oneHot(labels, depth: c.x.shape[-1], dtype: c.x.dtype) }
    return [
      c.needsGradient(0)
        ? apply1(SoftmaxGradient(isLogarithm: false), p, c.g * expandDims(g, axis: -1)) : nil,
      nil, nil, c.needsGradient(3) ? sum(c.g * (p - hot()), axis: -1) : nil,
    ]
  }
}
