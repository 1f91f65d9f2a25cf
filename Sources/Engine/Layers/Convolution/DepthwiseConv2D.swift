import Tensors

/// A convolution of each channel of images with kernels of its own: `activation(depthwiseConv(x, kernel) +
/// bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels · depthMultiplier]`, as many
/// rows as by ``Conv2D``. Parameters: `kernel` `[rows, columns, channels, depthMultiplier]` and `bias` `[channels
/// · depthMultiplier]`.
///
/// - SeeAlso: Howard et al., *MobileNets* (2017), §3.1; Keras, `layers.DepthwiseConv2D`.
public final class DepthwiseConv2D: BaseDepthwiseConv {
  /// A layer; Keras's defaults.
  public init(
    kernelSize: SpatialSize, strides: SpatialSize = 1, padding: Padding = .valid,
    depthMultiplier: Int = 1, dilations: SpatialSize = 1,
    activation: ActivationFunction? = nil, useBias: Bool = true,
    depthwiseInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), depthwiseRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
    depthwiseConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    super.init(
      rank: 2, kernelSize: kernelSize, strides: strides, padding: padding,
      depthMultiplier: depthMultiplier, dilations: dilations, activation: activation,
      useBias: useBias,
      kernel: ParameterOptions(depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint),
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
  }
}
