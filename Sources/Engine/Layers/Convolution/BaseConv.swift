import Tensors

/// What ``Conv1D``, ``Conv2D`` and ``Conv3D`` share: `activation(conv(x, kernel) + bias)`.
public class BaseConv: ConvLayer, Callable {
  /// The number of kernels.
  public let filters: Int
  /// The number of parts that channels and filters are cut into.
  public let groups: Int
  private let kernelOptions: ParameterOptions

  init(
    rank: Int, filters: Int, kernelSize: SpatialSize, strides: SpatialSize, padding: Padding,
    dilations: SpatialSize, groups: Int, activation: ActivationFunction?, useBias: Bool,
    kernel: ParameterOptions, bias: ParameterOptions, activityRegularizer: (any Regularizer)?,
    name: String?
  ) {
    self.filters = filters
    self.groups = groups
    kernelOptions = kernel
    super.init(
      rank: rank, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, activation: activation, useBias: useBias,
      bias: bias, activityRegularizer: activityRegularizer, name: name)
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
