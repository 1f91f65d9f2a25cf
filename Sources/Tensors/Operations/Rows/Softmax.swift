import CKernels

/// `exp(x) / Σ exp(x)` along the last axis, or its logarithm.
struct SoftmaxOperation: AnyLeadingAxes {
  let isLogarithm: Bool

  var name: String { isLogarithm ? "logSoftmax" : "softmax" }

  /// The output may lie on the input.
  var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectRows(inputs[0])
    return inputs
  }

  func prepare(_ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace) -> Kernel {
    let (x, y) = (inputs[0].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    let function = isLogarithm ? apus_log_softmax : apus_softmax
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      function(dtype, x + start, y + start, rows, columns)
    }
  }

  /// See ``SoftmaxGradient``.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(SoftmaxGradient(isLogarithm: isLogarithm), c.y, c.g)]
  }
}

/// The gradient of ``SoftmaxOperation`` along the last axis, from the output `y`: `y · (g − Σ g·y)`, and for the logarithm
/// `g − exp(y) · Σ g`.
package struct SoftmaxGradient: AnyLeadingAxes {
  let isLogarithm: Bool

  /// The gradient of softmax, or of its logarithm.
  package init(isLogarithm: Bool) { self.isLogarithm = isLogarithm }

  package var name: String { isLogarithm ? "logSoftmaxGradient" : "softmaxGradient" }

  /// The output may lie on either input.
  package var inPlace: [InPlacePair] {
    [InPlacePair(output: 0, input: 0), InPlacePair(output: 0, input: 1)]
  }

  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectRows(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    return [inputs[0]]
  }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (y, g, dx) = (inputs[0].pointer, inputs[1].pointer, outputs[0].pointer)
    let (dtype, size, columns) = (inputs[0].dtype.code, inputs[0].dtype.size, inputs[0].shape[-1])
    let function = isLogarithm ? apus_log_softmax_grad : apus_softmax_grad
    return workspace.rows(of: inputs[0]) { first, rows in
      let start = first * columns * size
      function(dtype, y + start, g + start, dx + start, rows, columns)
    }
  }

  /// With incoming gradient `h`: `h · (g − Σ g·y) − g · Σ h·y` for `y`, `y · (h − Σ h·y)` for `g`; for the logarithm
  /// `-h · exp(y) · Σ g` and `h − Σ h·exp(y)`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    if isLogarithm {
      let weighted = c.g * exp(y)
      return c.wanted(
        -weighted * sum(g, axis: -1, keepDims: true),
        c.g - sum(weighted, axis: -1, keepDims: true))
    }
    func along(_ g: Tensor) -> Tensor { sum(g * y, axis: -1, keepDims: true) }
    return c.wanted(c.g * (g - along(g)) - g * along(c.g), apply1(self, y, c.g))
  }
}

/// `exp(x) / Σ exp(x)` along an axis: positive numbers that add up to 1. Does not overflow. Integers become float32.
///
/// - Parameters:
///   - x: of any shape with an axis.
///   - axis: negative from the end; the last by default.
/// - Returns: of the shape of `x`. An axis that does not exist is an ``EngineError/shape(operation:message:)``.
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §4.1 and §6.2.2.3.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  softmax(x, axis, isLogarithm: false)
}

/// `x − log Σ exp(x)` along an axis: the logarithm of ``softmax(_:axis:)->Tensor`` without loss of digits. Parameters, shape and
/// errors are the same.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  softmax(x, axis, isLogarithm: true)
}

private func softmax(_ x: Tensor, _ axis: Int, isLogarithm: Bool) -> Tensor {
  attempt {
    let operation = SoftmaxOperation(isLogarithm: isLogarithm)
    let axis = try x.shape.axis(axis, operation.name)
    let x = floating(x)
    if axis == x.rank - 1 { return apply1(operation, x) }
    return swapAxes(apply1(operation, swapAxes(x, axis, -1)), axis, -1)
  }
}

extension Tensor {
  /// `exp(x) / Σ exp(x)` along an axis, the last by default; see ``softmax(_:axis:)->Tensor``.
  public func softmax(axis: Int = -1) -> Tensor { Tensors.softmax(self, axis: axis) }

  /// `x − log Σ exp(x)` along an axis, the last by default; see ``logSoftmax(_:axis:)``.
  public func logSoftmax(axis: Int = -1) -> Tensor { Tensors.logSoftmax(self, axis: axis) }
}
