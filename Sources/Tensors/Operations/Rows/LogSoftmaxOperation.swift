import CKernels

/// `x − log Σ exp(x)` along the last axis, without overflow.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §4.1 and §6.2.2.3.
package struct LogSoftmaxOperation: AnyLeadingAxes {
  /// The operation.
  package init() {}

  /// The output may lie on the input.
  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape of the input, which must be floating and have an axis.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    try expectAxis(inputs[0].shape.rank - 1, inputs[0])
    return inputs
  }

  /// Rows, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      apus_log_softmax(dtype, x + start, y + start, rows, columns)
    }
  }

  /// See ``LogSoftmaxGradient``.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(LogSoftmaxGradient(), c.y, c.g)]
  }
}

/// `x − log Σ exp(x)` along an axis: the logarithm of ``softmax(_:axis:)`` without loss of digits.
///
/// Integers become float32.
///
/// - Parameter axis: negative from the end; the last by default.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  attempt {
    let axis = try x.shape.axis(axis, "logSoftmax")
    let x = floating(x)
    if axis == x.rank - 1 { return apply1(LogSoftmaxOperation(), x) }
    return swapAxes(apply1(LogSoftmaxOperation(), swapAxes(x, axis, -1)), axis, -1)
  }
}

extension Tensor {
  /// `x − log Σ exp(x)` along an axis, the last by default.
  public func logSoftmax(axis: Int = -1) -> Tensor { Tensors.logSoftmax(self, axis: axis) }
}
