import Tensors

/// What ``DepthwiseConv1D`` and ``DepthwiseConv2D`` share: `activation(depthwiseConv(x, kernel) + bias)`.
public class BaseDepthwiseConv: ConvLayer, Callable {
  /// Kernels for each channel.
  public let depthMultiplier: Int
  private let kernelOptions: ParameterOptions

  init(
    rank: Int, kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    depthMultiplier: Int, dilations: SpatialSize, activation: ActivationFunction?, useBias: Bool,
    kernel: ParameterOptions, bias: ParameterOptions, activityRegularizer: (any Regularizer)?,
    name: String?
  ) {
    self.depthMultiplier = depthMultiplier
    kernelOptions = kernel
    super.init(
      rank: rank, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, activation: activation, useBias: useBias,
      bias: bias, activityRegularizer: activityRegularizer, name: name)
    if depthMultiplier < 1 {
      wrongArgument("depthMultiplier", must: "be at least 1", got: "\(depthMultiplier)")
    }
  }

  /// Images with the channels last to `[batch, spatial axes out..., channels · depthMultiplier]`.
  public func call(_ input: Tensor) -> Tensor {
    let x = images(input)
    if x.isInvalid { return x }
    let kernel = parameter(
      "kernel", shape: kernelShape(x.shape[-1], depthMultiplier), kernelOptions, dtype: x.dtype)
    return finish(
      depthwiseConv(x, kernel, strides: strides, padding: padding, dilations: dilations))
  }
}
