import Tensors

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
