import Tensors

/// A transposed convolution of volumes, which makes them larger: `activation(convTranspose(x, kernel) + bias)`.
///
/// Input `[batch, depth, height, width, channels]`, output `[batch, slices, rows, columns, filters]`; with
/// padding `.valid` there are `(depth − 1) · stride + max((kernel − 1) · dilation + 1, stride)` slices, with
/// `.same` `depth · stride`; `outputPadding` changes that as
/// ``convTranspose(_:_:strides:padding:outputPadding:dilations:)`` says. Parameters: `kernel` `[slices, rows,
/// columns, filters, channels]` and `bias` `[filters]`.
///
/// - SeeAlso: Dumoulin, Visin, *A guide to convolution arithmetic for deep learning* (2016), §4; Keras,
///   `layers.Conv3DTranspose`.
public final class Conv3DTranspose: BaseConvTranspose {
  /// A layer with `filters` channels out; Keras's defaults.
  public init(
    _ filters: Int, kernelSize: SpatialSize, strides: SpatialSize = 1,
    padding: Padding = .valid, outputPadding: SpatialSize? = nil, dilations: SpatialSize = 1,
    activation: ActivationFunction? = nil, useBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    super.init(
      rank: 3, filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
      outputPadding: outputPadding, dilations: dilations, activation: activation, useBias: useBias,
      kernel: ParameterOptions(kernelInitializer, kernelRegularizer, kernelConstraint),
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
  }
}
