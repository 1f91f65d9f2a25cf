import Tensors

/// The learned deviation and mean of a normalisation's output, `gamma` and `beta`, and all that can be said of them.
struct Affine: Sendable {
  /// Whether there is `gamma`.
  let scale: Bool
  /// Whether there is `beta`.
  let center: Bool
  let gammaInitializer: any Initializer
  let betaInitializer: any Initializer
  let gammaRegularizer: (any Regularizer)?
  let betaRegularizer: (any Regularizer)?
  let gammaConstraint: (any Constraint)?
  let betaConstraint: (any Constraint)?

  /// The parameters that there are, of `shape`; variables and penalties belong to `module`.
  func parameters(
    of module: AnyModule, shape: Shape, dtype: DType
  ) -> (gamma: Tensor?, beta: Tensor?) {
    var gamma: Tensor?
    var beta: Tensor?
    if scale {
      gamma = module.parameter(
        "gamma", shape: shape, initializer: gammaInitializer, constraint: gammaConstraint,
        dtype: dtype)
      module.regularize("gamma", with: gammaRegularizer)
    }
    if center {
      beta = module.parameter(
        "beta", shape: shape, initializer: betaInitializer, constraint: betaConstraint,
        dtype: dtype)
      module.regularize("beta", with: betaRegularizer)
    }
    return (gamma, beta)
  }
}
