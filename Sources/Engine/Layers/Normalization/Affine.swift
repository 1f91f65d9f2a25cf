import Tensors

/// The learned deviation and mean of a normalisation's output, `gamma` and `beta`, and all that can be said of them.
///
/// A normalisation's properties `center` and `scale`, and the arguments for both, are these.
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

/// `gamma · x + beta`, of what is there, both of one shape, made `shape`, which broadcasts to that of `x`.
func scaledAndShifted(
  _ x: Tensor, _ parameters: (gamma: Tensor?, beta: Tensor?), as shape: Shape
) -> Tensor {
  let scaled = parameters.gamma.map { x * reshape($0, shape) } ?? x
  return parameters.beta.map { scaled + reshape($0, shape) } ?? scaled
}

extension AnyModule {
  /// `axes` counted from the front and in order; nil, after an error, when `x` does not have them, or for none.
  func axesFromFront(_ axes: [Int], of x: Tensor) -> [Int]? {
    guard !axes.isEmpty, axes.allSatisfy({ (-x.rank..<x.rank).contains($0) }), !x.isInvalid else {
      _ = wrongInput(x, expected: "a shape with axes \(axes)")
      return nil
    }
    return axes.map { $0 < 0 ? $0 + x.rank : $0 }.sorted()
  }
}
