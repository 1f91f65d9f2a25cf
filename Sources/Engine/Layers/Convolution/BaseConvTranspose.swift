import Tensors

/// What ``Conv1DTranspose``, ``Conv2DTranspose`` and ``Conv3DTranspose`` share:
/// `activation(convTranspose(x, kernel) + bias)`.
public class BaseConvTranspose: ConvLayer, Callable {
  /// The channels of the output.
  public let filters: Int
  /// Elements added behind the last one of the output; nil for the default of
  /// ``convTranspose(_:_:strides:padding:outputPadding:dilations:)``.
  public let outputPadding: SpatialSize?
  private let kernelOptions: ParameterOptions

  init(
    rank: Int, filters: Int, kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    outputPadding: SpatialSize?, dilations: SpatialSize, activation: ActivationFunction?,
    useBias: Bool, kernel: ParameterOptions, bias: ParameterOptions,
    activityRegularizer: (any Regularizer)?, name: String?
  ) {
    self.filters = filters
    self.outputPadding = outputPadding
    kernelOptions = kernel
    super.init(
      rank: rank, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, activation: activation, useBias: useBias,
      bias: bias, activityRegularizer: activityRegularizer, name: name)
    if filters < 0 { wrongArgument("filters", must: "not be negative", got: "\(filters)") }
    if let outputPadding { check("outputPadding", outputPadding, lowest: 0) }
  }

  /// Images with the channels last to `[batch, spatial axes out..., filters]`.
  public func call(_ input: Tensor) -> Tensor {
    let x = images(input)
    if x.isInvalid { return x }
    let kernel = parameter(
      "kernel", shape: kernelShape(filters, x.shape[-1]), kernelOptions, dtype: x.dtype)
    return finish(
      convTranspose(
        x, kernel, strides: strides, padding: padding, outputPadding: outputPadding,
        dilations: dilations))
  }
}
