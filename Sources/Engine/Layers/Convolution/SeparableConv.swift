import Tensors

/// What ``SeparableConv1D`` and ``SeparableConv2D`` share: a convolution of each channel by itself, and one of single
/// elements that mixes the results.
public class BaseSeparableConv: BaseConvLayer, Callable {
  /// The channels of the output.
  public let filters: Int
  /// Kernels for each channel.
  public let depthMultiplier: Int
  private let depthwiseOptions: ParameterOptions
  private let pointwiseOptions: ParameterOptions

  /// A layer with `filters` channels out; Keras's defaults.
  ///
  /// Sizes are one number for all axes or one an axis. Sizes and a `depthMultiplier` below 1 and fewer than no filters
  /// fail with ``EngineError/invalidArgument(message:)``.
  public init(
    _ filters: Int, kernelSize: SpatialSize, strides: SpatialSize = 1,
    padding: Padding = .valid, dilations: SpatialSize = 1, depthMultiplier: Int = 1,
    activation: ActivationFunction? = nil, useBias: Bool = true,
    depthwiseInitializer: any Initializer = GlorotUniform(),
    pointwiseInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), depthwiseRegularizer: (any Regularizer)? = nil,
    pointwiseRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
    activityRegularizer: (any Regularizer)? = nil, depthwiseConstraint: (any Constraint)? = nil,
    pointwiseConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    self.filters = filters
    self.depthMultiplier = depthMultiplier
    depthwiseOptions = ParameterOptions(
      depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
    pointwiseOptions = ParameterOptions(
      pointwiseInitializer, pointwiseRegularizer, pointwiseConstraint)
    super.init(
      kernelSize: kernelSize, strides: strides, padding: padding, dilations: dilations,
      activation: activation, useBias: useBias,
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
    if filters < 0 { wrongArgument("filters", must: "not be negative", got: "\(filters)") }
    if depthMultiplier < 1 {
      wrongArgument("depthMultiplier", must: "be at least 1", got: "\(depthMultiplier)")
    }
  }

  /// Images with the channels last to `[batch, spatial axes out..., filters]`.
  public func call(_ input: Tensor) -> Tensor {
    let x = images(input)
    if x.isInvalid { return x }
    let channels = x.shape[-1]
    let depthwise = parameter(
      "depthwise_kernel", shape: kernelShape(channels, depthMultiplier), depthwiseOptions,
      dtype: x.dtype)
    let ones = [Int](repeating: 1, count: rank)
    let pointwise = parameter(
      "pointwise_kernel", shape: Shape(ones + [channels * depthMultiplier, filters]),
      pointwiseOptions,
      dtype: x.dtype)
    return finish(
      separableConv(
        x, depthwise: depthwise, pointwise: pointwise, strides: strides, padding: padding,
        dilations: dilations))
  }
}

/// A depthwise separable convolution of sequences: one of each channel by itself, then one of single elements
/// that mixes the results; then the bias and the activation.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, filters]`, as many steps as by ``Conv1D``.
/// Parameters: `depthwise_kernel` `[steps, channels, depthMultiplier]`, `pointwise_kernel` `[1, channels ·
/// depthMultiplier, filters]` and `bias` `[filters]`.
///
/// - SeeAlso: Chollet, *Xception: Deep Learning with Depthwise Separable Convolutions* (2017), §1.1; Keras,
///   `layers.SeparableConv1D`.
public final class SeparableConv1D: BaseSeparableConv {
  override class var rank: Int { 1 }
}

/// A depthwise separable convolution of images: one of each channel by itself, then one of single elements that
/// mixes the results; then the bias and the activation.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, filters]`, as many rows as by
/// ``Conv2D``. Parameters: `depthwise_kernel` `[rows, columns, channels, depthMultiplier]`, `pointwise_kernel`
/// `[1, 1, channels · depthMultiplier, filters]` and `bias` `[filters]`.
///
/// - SeeAlso: Chollet, *Xception: Deep Learning with Depthwise Separable Convolutions* (2017), §1.1; Keras,
///   `layers.SeparableConv2D`.
public final class SeparableConv2D: BaseSeparableConv {
  override class var rank: Int { 2 }
}
