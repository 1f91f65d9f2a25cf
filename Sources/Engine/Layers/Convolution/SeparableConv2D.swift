import Tensors

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
  /// A layer with `filters` channels out; Keras's defaults.
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
    super.init(
      rank: 2, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
      dilations: dilations, depthMultiplier: depthMultiplier, activation: activation,
      useBias: useBias,
      depthwise: ParameterOptions(depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint),
      pointwise: ParameterOptions(pointwiseInitializer, pointwiseRegularizer, pointwiseConstraint),
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
  }
}
