import Tensors

/// A product with a kernel of several axes: from features to heads, or from heads to features.
///
/// The last `summed` axes of the input are replaced by `output`. Parameters: `kernel` `[summed..., output...]` and `bias`
/// `[output...]`.
final class HeadProjection: Module {
  let summed: Int
  let output: [Int]
  private let options: ProjectionOptions

  init(summed: Int, output: [Int], _ options: ProjectionOptions, name: String) {
    self.summed = summed
    self.output = output
    self.options = options
    super.init(name: name)
  }

  override var configuration: String { "(summed: \(summed), output: \(output))" }

  func call(_ x: Tensor) -> Tensor {
    guard x.rank > summed, !x.isInvalid else { return wrongInput(x, expected: "more axes") }
    let lead = Array(x.shape.dimensions.dropLast(summed))
    let inner = Array(x.shape.dimensions.suffix(summed))
    let (rows, columns) = (inner.reduce(1, *), output.reduce(1, *))
    let kernel = parameter(
      "kernel", shape: Shape(inner + output), initializer: options.kernelInitializer,
      constraint: options.kernelConstraint, dtype: x.dtype)
    regularize("kernel", with: options.kernelRegularizer)
    var y = matmul(x.reshape(Shape(lead + [rows])), kernel.reshape([rows, columns]))
    if options.useBias {
      let bias = parameter(
        "bias", shape: Shape(output), initializer: options.biasInitializer,
        constraint: options.biasConstraint, dtype: x.dtype)
      regularize("bias", with: options.biasRegularizer)
      y = y + bias.reshape([columns])
    }
    return y.reshape(Shape(lead + output))
  }
}

/// What the four projections of ``MultiHeadAttention`` have in common.
struct ProjectionOptions {
  var useBias: Bool
  var kernelInitializer: any Initializer
  var biasInitializer: any Initializer
  var kernelRegularizer: (any Regularizer)?
  var biasRegularizer: (any Regularizer)?
  var kernelConstraint: (any Constraint)?
  var biasConstraint: (any Constraint)?
}
