import Tensors

/// What ``Conv1DTranspose``, ``Conv2DTranspose`` and ``Conv3DTranspose`` share:
/// `activation(convTranspose(x, kernel) + bias)`.
public class BaseConvTranspose: BaseConvLayer, Callable {
  /// The channels of the output.
  public let filters: Int
  /// Elements added behind the last one of the output; nil for the default of
  /// ``convTranspose(_:_:strides:padding:outputPadding:dilations:)``.
  public let outputPadding: SpatialSize?
  private let kernelOptions: ParameterOptions

  /// A layer with `filters` channels out; Keras's defaults.
  ///
  /// Sizes are one number for all axes or one an axis. Sizes below 1, an `outputPadding` below 0 and fewer than no
  /// filters fail with ``EngineError/invalidArgument(message:)``.
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
    self.filters = filters
    self.outputPadding = outputPadding
    kernelOptions = ParameterOptions(kernelInitializer, kernelRegularizer, kernelConstraint)
    super.init(
      kernelSize: kernelSize, strides: strides, padding: padding, dilations: dilations,
      activation: activation, useBias: useBias,
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
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

/// A transposed convolution of sequences, which makes them larger: `activation(convTranspose(x, kernel) + bias)`.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, filters]`; with padding `.valid` there are
/// `(steps − 1) · stride + max((kernel − 1) · dilation + 1, stride)` steps, with `.same` `steps · stride`;
/// `outputPadding` changes that as ``convTranspose(_:_:strides:padding:outputPadding:dilations:)`` says.
/// Parameters: `kernel` `[steps, filters, channels]` and `bias` `[filters]`.
///
/// - SeeAlso: Dumoulin, Visin, *A guide to convolution arithmetic for deep learning* (2016), §4; Keras,
///   `layers.Conv1DTranspose`.
public final class Conv1DTranspose: BaseConvTranspose {
  override class var rank: Int { 1 }
}

/// A transposed convolution of images, which makes them larger: `activation(convTranspose(x, kernel) + bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, filters]`; with padding `.valid`
/// there are `(height − 1) · stride + max((kernel − 1) · dilation + 1, stride)` rows, with `.same` `height ·
/// stride`; `outputPadding` changes that as ``convTranspose(_:_:strides:padding:outputPadding:dilations:)`` says.
/// Parameters: `kernel` `[rows, columns, filters, channels]` and `bias` `[filters]`.
///
/// - SeeAlso: Dumoulin, Visin, *A guide to convolution arithmetic for deep learning* (2016), §4; Keras,
///   `layers.Conv2DTranspose`.
public final class Conv2DTranspose: BaseConvTranspose {
  override class var rank: Int { 2 }
}

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
  override class var rank: Int { 3 }
}
