import Tensors

/// A fully connected layer: `activation(x · kernel + bias)`.
///
/// Input `[..., in]`, output `[..., units]`; `in` is that of the first input. Parameters: `kernel` `[in, units]` and
/// `bias` `[units]`, of float64 for a float64 input and float32 otherwise.
///
/// ``Dense`` is the same under Keras's name.
///
/// - SeeAlso: Keras, `layers.Dense`.
public class Linear: Module, KeepsMask {
  /// The length of the last axis of the output.
  public final let units: Int
  /// What is applied to the sums; nil for nothing.
  public final let activation: ActivationFunction?
  /// Whether there is a bias.
  public final let useBias: Bool
  private let kernelInitializer: any Initializer
  private let biasInitializer: any Initializer
  private let kernelRegularizer: (any Regularizer)?
  private let biasRegularizer: (any Regularizer)?
  private let activityRegularizer: (any Regularizer)?
  private let kernelConstraint: (any Constraint)?
  private let biasConstraint: (any Constraint)?

  /// A layer with `units` outputs; Keras's defaults.
  public init(
    _ units: Int, activation: ActivationFunction? = nil, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.biasRegularizer = biasRegularizer
    self.activityRegularizer = activityRegularizer
    self.kernelConstraint = kernelConstraint
    self.biasConstraint = biasConstraint
    super.init(name: name)
    if units < 0 { wrongArgument("units", must: "not be negative", got: "\(units)") }
  }

  /// `[..., in]` to `[..., units]`.
  public final func call(_ input: Tensor) -> Tensor {
    guard input.rank >= 1, !input.isInvalid else {
      return wrongInput(input, expected: "[..., features]")
    }
    let x = floating(input)
    let kernel = parameter(
      "kernel", shape: [x.shape[-1], units], initializer: kernelInitializer,
      constraint: kernelConstraint, dtype: x.dtype)
    regularize("kernel", with: kernelRegularizer)
    var y = matmul(x, kernel)
    if useBias {
      let bias = parameter(
        "bias", shape: [units], initializer: biasInitializer, constraint: biasConstraint,
        dtype: x.dtype)
      y = y + bias
      regularize("bias", with: biasRegularizer)
    }
    if let activation { y = activation(y) }
    regularize(activity: y, with: activityRegularizer)
    return y
  }
}

/// ``Linear`` under Keras's name, which it has in summaries, messages and paths as well: `dense/kernel`.
///
/// - SeeAlso: Keras, `layers.Dense`.
public final class Dense: Linear {}
