/// A fully connected layer: `activation(x · kernel + bias)`.
///
/// Input `[..., in]`, output `[..., units]`; `in` is that of the first input. Parameters: `kernel` `[in, units]` and
/// `bias` `[units]`, of float64 for a float64 input and float32 otherwise.
///
/// - SeeAlso: Keras, `layers.Dense`.
public final class Linear: Module {
  /// The length of the last axis of the output.
  public let units: Int
  /// What is applied to the sums; nil for nothing.
  public let activation: ActivationFunction?
  /// Whether there is a bias.
  public let useBias: Bool
  private let kernelInitializer: any Initializer
  private let biasInitializer: any Initializer
  private let kernelRegularizer: (any Regularizer)?
  private let biasRegularizer: (any Regularizer)?

  /// A layer with `units` outputs; Keras's defaults.
  public init(
    _ units: Int, activation: ActivationFunction? = nil, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, name: String? = nil
  ) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.biasRegularizer = biasRegularizer
    super.init(name: name)
    if units < 0 { wrongArgument("units must not be negative, got \(units)") }
  }

  /// `[..., in]` to `[..., units]`.
  public func call(_ input: Tensor) -> Tensor {
    guard input.rank >= 1, !input.isInvalid else {
      return wrongInput(input, expected: "[..., features]")
    }
    let x = floating(input)
    let kernel = parameter(
      "kernel", shape: [x.shape[-1], units], initializer: kernelInitializer, dtype: x.dtype)
    regularize("kernel", with: kernelRegularizer)
    var y = matmul(x, kernel)
    if useBias {
      y = y + parameter("bias", shape: [units], initializer: biasInitializer, dtype: x.dtype)
      regularize("bias", with: biasRegularizer)
    }
    return activation?(y) ?? y
  }
}

/// Keras's name of ``Linear``.
public typealias Dense = Linear
