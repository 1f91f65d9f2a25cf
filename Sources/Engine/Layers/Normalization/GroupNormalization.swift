import Tensors

/// Shifts and scales groups of channels of each sample to mean 0 and variance 1, then each channel to a learned mean and
/// deviation.
///
/// Input and output `[batch, ..., channels]`: `gamma · (x − mean) / √(variance + epsilon) + beta` with the mean and
/// (biased) variance of the neighbouring channels of a group, at all places of a sample. Parameters `gamma` and `beta`
/// `[channels]`.
///
/// - SeeAlso: Wu, He, *Group Normalization* (2018), §3.1; Keras, `layers.GroupNormalization`.
public class GroupNormalization: Module, KeepsMask {
  /// The number of groups; -1 for one a channel.
  public let groups: Int
  /// The axis of channels.
  public let axis: Int
  /// Added to the variance.
  public let epsilon: Double
  /// Whether there is `beta`.
  public var center: Bool { affine.center }
  /// Whether there is `gamma`.
  public var scale: Bool { affine.scale }
  private let affine: Affine

  /// A layer; Keras's defaults.
  public init(
    groups: Int = 32, axis: Int = -1, epsilon: Double = 1e-3, center: Bool = true,
    scale: Bool = true, gammaInitializer: any Initializer = Ones(),
    betaInitializer: any Initializer = Zeros(), gammaRegularizer: (any Regularizer)? = nil,
    betaRegularizer: (any Regularizer)? = nil, gammaConstraint: (any Constraint)? = nil,
    betaConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    self.groups = groups
    self.axis = axis
    self.epsilon = epsilon
    affine = Affine(
      scale: scale, center: center, gammaInitializer: gammaInitializer,
      betaInitializer: betaInitializer, gammaRegularizer: gammaRegularizer,
      betaRegularizer: betaRegularizer, gammaConstraint: gammaConstraint,
      betaConstraint: betaConstraint)
    super.init(name: name)
    if groups < 1 && groups != -1 {
      wrongArgument("groups", must: "be positive, or -1 for one a channel", got: "\(groups)")
    }
  }

  /// An output of the input's shape.
  public func call(_ input: Tensor) -> Tensor {
    let axis = axis < 0 ? axis + input.rank : axis
    guard !input.isInvalid, axis > 0, axis < input.rank else {
      return wrongInput(
        input, expected: "[batch, ..., channels] with channels on axis \(self.axis)")
    }
    let x = floating(input)
    let channels = x.shape[axis]
    let groups = groups == -1 ? Swift.max(channels, 1) : groups
    guard channels % groups == 0 else {
      return wrongInput(x, expected: "channels on axis \(self.axis) for \(groups) equal groups")
    }
    let wide = Shape((0..<x.rank).map { $0 == axis ? channels : 1 })
    let parameters = affine.parameters(of: self, shape: [channels], dtype: x.dtype)
    return scaledAndShifted(
      groupNorm(x, groups: groups, axis: axis, epsilon: epsilon), parameters, as: wide)
  }
}

/// Shifts and scales each channel of each sample to mean 0 and variance 1, then to a learned mean and deviation:
/// ``GroupNormalization`` with one group a channel.
///
/// - SeeAlso: Ulyanov, Vedaldi, Lempitsky, *Instance Normalization: The Missing Ingredient for Fast Stylization* (2016),
///   eq. 3; PyTorch, `nn.InstanceNorm2d`.
public final class InstanceNormalization: GroupNormalization {
  /// A layer; PyTorch's epsilon. `gamma` and `beta` are there by default, as in the other normalisations.
  public init(
    axis: Int = -1, epsilon: Double = 1e-5, center: Bool = true, scale: Bool = true,
    gammaInitializer: any Initializer = Ones(), betaInitializer: any Initializer = Zeros(),
    gammaRegularizer: (any Regularizer)? = nil, betaRegularizer: (any Regularizer)? = nil,
    gammaConstraint: (any Constraint)? = nil, betaConstraint: (any Constraint)? = nil,
    name: String? = nil
  ) {
    super.init(
      groups: -1, axis: axis, epsilon: epsilon, center: center, scale: scale,
      gammaInitializer: gammaInitializer, betaInitializer: betaInitializer,
      gammaRegularizer: gammaRegularizer, betaRegularizer: betaRegularizer,
      gammaConstraint: gammaConstraint, betaConstraint: betaConstraint, name: name)
  }
}
