import Tensors

/// A convolution of images with learned kernels: `activation(conv(x, kernel) + bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, filters]`; with padding `.valid`
/// there are `(height − (kernel − 1) · dilation − 1) / stride + 1` rows, with `.same` `height / stride`, rounded
/// up. Parameters: `kernel` `[rows, columns, channels / groups, filters]` and `bias` `[filters]`.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §9.1; Keras, `layers.Conv2D`.
public final class Conv2D: BaseConv {
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
      rank: 2, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, groups: groups, activation: activation, useBias: useBias,
      kernel: ParameterOptions(kernelInitializer, kernelRegularizer, kernelConstraint),
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
  }
}
