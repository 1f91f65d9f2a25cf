import Tensors

/// What ``DepthwiseConv1D`` and ``DepthwiseConv2D`` share: `activation(depthwiseConv(x, kernel) + bias)`.
public class BaseDepthwiseConv: BaseConvLayer, Callable {
  /// Kernels for each channel.
  public let depthMultiplier: Int
  private let kernelOptions: ParameterOptions

  /// A layer; Keras's defaults.
  ///
  /// Sizes are one number for all axes or one an axis. Sizes and a `depthMultiplier` below 1 fail with
  /// ``EngineError/invalidArgument(message:)``.
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
    self.depthMultiplier = depthMultiplier
    kernelOptions = ParameterOptions(
      depthwiseInitializer, depthwiseRegularizer, depthwiseConstraint)
    super.init(
      kernelSize: kernelSize, strides: strides, padding: padding, dilations: dilations,
      activation: activation, useBias: useBias,
      bias: ParameterOptions(biasInitializer, biasRegularizer, biasConstraint),
      activityRegularizer: activityRegularizer, name: name)
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

/// A convolution of each channel of sequences with kernels of its own: `activation(depthwiseConv(x, kernel) +
/// bias)`.
///
/// Input `[batch, steps, channels]`, output `[batch, steps out, channels · depthMultiplier]`, as many steps as by
/// ``Conv1D``. Parameters: `kernel` `[steps, channels, depthMultiplier]` and `bias` `[channels ·
/// depthMultiplier]`.
///
/// - SeeAlso: Howard et al., *MobileNets* (2017), §3.1; Keras, `layers.DepthwiseConv1D`.
public final class DepthwiseConv1D: BaseDepthwiseConv {
  override class var rank: Int { 1 }
}

/// A convolution of each channel of images with kernels of its own: `activation(depthwiseConv(x, kernel) +
/// bias)`.
///
/// Input `[batch, height, width, channels]`, output `[batch, rows, columns, channels · depthMultiplier]`, as many
/// rows as by ``Conv2D``. Parameters: `kernel` `[rows, columns, channels, depthMultiplier]` and `bias` `[channels
/// · depthMultiplier]`.
///
/// - SeeAlso: Howard et al., *MobileNets* (2017), §3.1; Keras, `layers.DepthwiseConv2D`.
public final class DepthwiseConv2D: BaseDepthwiseConv {
  override class var rank: Int { 2 }
}
