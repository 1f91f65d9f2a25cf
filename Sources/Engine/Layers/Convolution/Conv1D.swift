import Tensors

/// A convolution of sequences with learned kernels: `activation(conv(x, kernel) + bias)`.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, filters]`; with padding `.valid` there are
/// `(steps − (kernel − 1) · dilation − 1) / stride + 1` steps, with `.same` `steps / stride`, rounded up. With
/// `.causal` no output depends on later steps. Parameters: `kernel` `[steps, channels / groups, filters]` and
/// `bias` `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv1D`.
public final class Conv1D: BaseConv {
  /// A layer with `filters` kernels, each of which sees the channels of one of `groups` parts; Keras's defaults.
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
    super.init(
      rank: 1, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, groups: groups, activation: activation, useBias: useBias,
      kernel: ParameterOptions(kernelInitializer, kernelRegularizer, kernelConstraint),
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
  }
}
