/// A convolution of images with learned kernels: `activation(conv2D(x, kernel) + bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, filters]`; with padding `.valid` there are
/// `(height − (kernel − 1) · dilation − 1) / stride + 1` rows, with `.same` `height / stride`, rounded up. Parameters:
/// `kernel` `[rows, columns, channels, filters]` and `bias` `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv2D`.
public final class Conv2D: Module {
  /// The number of kernels.
  public let filters: Int
  /// Rows and columns of a kernel.
  public let kernelSize: Size2D
  /// Rows and columns from one position to the next.
  public let strides: Size2D
  /// What happens at the edges.
  public let padding: Padding
  /// Rows and columns from one cell of the kernel to the next.
  public let dilations: Size2D
  /// What is applied to the sums; nil for nothing.
  public let activation: ActivationFunction?
  /// Whether there is a bias.
  public let useBias: Bool
  private let kernelInitializer: any Initializer
  private let biasInitializer: any Initializer
  private let kernelRegularizer: (any Regularizer)?
  private let biasRegularizer: (any Regularizer)?
  private let activityRegularizer: (any Regularizer)?
  private let kernelConstraint: (any Constraint)?
  private let biasConstraint: (any Constraint)?

  /// A layer with `filters` kernels; Keras's defaults.
  public init(
    _ filters: Int, kernelSize: Size2D, strides: Size2D = 1, padding: Padding = .valid,
    dilations: Size2D = 1, activation: ActivationFunction? = nil, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.filters = filters
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
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
    if filters < 0 { wrongArgument("filters must not be negative, got \(filters)") }
  }

  /// `[batch, height, width, channels]` to `[batch, rows, columns, filters]`.
  public func call(_ input: Tensor) -> Tensor {
    guard input.rank == 4 else {
      return wrongInput(input, expected: "images [batch, height, width, channels]")
    }
    let x = floating(input)
    let kernel = parameter(
      "kernel", shape: [kernelSize.rows, kernelSize.columns, x.shape[3], filters],
      initializer: kernelInitializer, constraint: kernelConstraint, dtype: x.dtype)
    regularize("kernel", with: kernelRegularizer)
    var y = conv2D(
      x, kernel, strides: strides.pair, padding: padding, dilations: dilations.pair)
    if useBias {
      let bias = parameter(
        "bias", shape: [filters], initializer: biasInitializer, constraint: biasConstraint,
        dtype: x.dtype)
      y = y + bias
      regularize("bias", with: biasRegularizer)
    }
    if let activation { y = activation(y) }
    regularize(activity: y, with: activityRegularizer)
    return y
  }
}
