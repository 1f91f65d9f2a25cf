import Tensors

/// What all layers with a kernel that moves over images share: how it moves, and what follows the sums.
public class BaseConvLayer: BaseSpatialLayer {
  /// Cells of the kernel along each axis.
  public let kernelSize: SpatialSize
  /// Elements from one position to the next.
  public let strides: SpatialSize
  /// What happens at the edges.
  public let padding: Padding
  /// Elements from one cell of the kernel to the next.
  public let dilations: SpatialSize
  /// What is applied to the sums; nil for nothing.
  public let activation: ActivationFunction?
  /// Whether there is a bias.
  public let useBias: Bool
  private let biasOptions: ParameterOptions
  private let activityRegularizer: (any Regularizer)?

  init(
    kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    dilations: SpatialSize, activation: ActivationFunction?, useBias: Bool,
    bias: ParameterOptions, activityRegularizer: (any Regularizer)?, name: String?
  ) {
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.dilations = dilations
    self.activation = activation
    self.useBias = useBias
    biasOptions = bias
    self.activityRegularizer = activityRegularizer
    super.init(name: name)
    check("kernelSize", kernelSize)
    check("strides", strides)
    check("dilations", dilations)
  }

  /// The input as something to convolve; a placeholder, with an error, when it has other axes than images have.
  func images(_ x: Tensor) -> Tensor { ofImages(x) { floating($0) } }

  /// The shape of a kernel: the cells, then `channels` and `filters`.
  func kernelShape(_ channels: Int, _ filters: Int) -> Shape {
    Shape((kernelSize.along(rank) ?? []) + [channels, filters])
  }

  /// The bias and the activation after sums of shape `[..., filters]`.
  func finish(_ sums: Tensor) -> Tensor {
    var y = sums
    if useBias {
      y = y + parameter("bias", shape: [sums.shape[-1]], biasOptions, dtype: sums.dtype)
    }
    if let activation { y = activation(y) }
    regularize(activity: y, with: activityRegularizer)
    return y
  }
}

/// What ``Conv1D``, ``Conv2D`` and ``Conv3D`` share: `activation(conv(x, kernel) + bias)`.
public class BaseConv: BaseConvLayer, Callable {
  /// The number of kernels.
  public let filters: Int
  /// The number of parts that channels and filters are cut into.
  public let groups: Int
  private let kernelOptions: ParameterOptions

  /// A layer with `filters` kernels, each of which sees the channels of one of `groups` parts; Keras's defaults.
  ///
  /// Sizes are one number for all axes or one an axis. Sizes below 1, fewer than no filters, and groups that do not
  /// divide the filters fail with ``EngineError/invalidArgument(message:)``.
  public init(
    _ filters: Int, kernelSize: SpatialSize, strides: SpatialSize = 1,
    padding: Padding = .valid, dilations: SpatialSize = 1, groups: Int = 1,
    activation: ActivationFunction? = nil, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.filters = filters
    self.groups = groups
    kernelOptions = ParameterOptions(kernelInitializer, kernelRegularizer, kernelConstraint)
    super.init(
      kernelSize: kernelSize, strides: strides, padding: padding, dilations: dilations,
      activation: activation, useBias: useBias,
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
    if filters < 0 { wrongArgument("filters", must: "not be negative", got: "\(filters)") }
    if groups < 1 || filters % groups != 0 {
      wrongArgument(
        "groups", must: "be at least 1 and divide the filters (\(filters))", got: "\(groups)")
    }
  }

  /// Images with the channels last to `[batch, spatial axes out..., filters]`.
  public func call(_ input: Tensor) -> Tensor {
    let x = images(input)
    if x.isInvalid { return x }
    guard x.shape[-1] % groups == 0 else {
      return wrongInput(input, expected: "channels that \(groups) groups divide")
    }
    let kernel = parameter(
      "kernel", shape: kernelShape(x.shape[-1] / groups, filters), kernelOptions, dtype: x.dtype)
    return finish(
      conv(
        x, kernel, strides: strides, padding: padding, dilations: dilations, groups: groups))
  }
}

/// A convolution of sequences with learned kernels: `activation(conv(x, kernel) + bias)`.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, filters]`; with padding `.valid` there are
/// `(steps − (kernel − 1) · dilation − 1) / stride + 1` steps, with `.same` `steps / stride`, rounded up. With
/// `.causal` no output depends on later steps. Parameters: `kernel` `[steps, channels / groups, filters]` and
/// `bias` `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv1D`.
public final class Conv1D: BaseConv {
  override class var rank: Int { 1 }
}

/// A convolution of images with learned kernels: `activation(conv(x, kernel) + bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, filters]`; with padding `.valid`
/// there are `(height − (kernel − 1) · dilation − 1) / stride + 1` rows, with `.same` `height / stride`, rounded
/// up. Parameters: `kernel` `[rows, columns, channels / groups, filters]` and `bias` `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv2D`.
public final class Conv2D: BaseConv {
  override class var rank: Int { 2 }
}

/// A convolution of volumes with learned kernels: `activation(conv(x, kernel) + bias)`.
///
/// Input `[batch, depth, height, width, channels]`, output `[batch, slices, rows, columns, filters]`; with
/// padding `.valid` there are `(depth − (kernel − 1) · dilation − 1) / stride + 1` slices, with `.same` `depth /
/// stride`, rounded up. Parameters: `kernel` `[slices, rows, columns, channels / groups, filters]` and `bias`
/// `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv3D`.
public final class Conv3D: BaseConv {
  override class var rank: Int { 3 }
}
