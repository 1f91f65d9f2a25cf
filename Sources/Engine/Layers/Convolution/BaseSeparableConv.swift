import Tensors

/// What ``SeparableConv1D`` and ``SeparableConv2D`` share: a convolution of each channel by itself, and one of single
/// elements that mixes the results.
public class BaseSeparableConv: ConvLayer, Callable {
  /// The channels of the output.
  public let filters: Int
  /// Kernels for each channel.
  public let depthMultiplier: Int
  private let depthwiseOptions: ParameterOptions
  private let pointwiseOptions: ParameterOptions

  init(
    rank: Int, filters: Int, kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    dilations: SpatialSize, depthMultiplier: Int, activation: ActivationFunction?, useBias: Bool,
    depthwise: ParameterOptions, pointwise: ParameterOptions, bias: ParameterOptions,
    activityRegularizer: (any Regularizer)?, name: String?
  ) {
    self.filters = filters
    self.depthMultiplier = depthMultiplier
    depthwiseOptions = depthwise
    pointwiseOptions = pointwise
    super.init(
      rank: rank, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, activation: activation, useBias: useBias,
      bias: bias, activityRegularizer: activityRegularizer, name: name)
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
