import Tensors

/// What the layers of transformers have in common.
struct TransformerOptions {
  let numHeads: Int
  let feedForwardDim: Int
  let dropout: Double
  let activation: ActivationFunction
  let normFirst: Bool
  let epsilon: Double
  let useBias: Bool

  var description: String {
    "(numHeads: \(numHeads), feedForwardDim: \(feedForwardDim), dropout: \(dropout), "
      + "activation: \(activation), normFirst: \(normFirst), epsilon: \(epsilon), "
      + "useBias: \(useBias)"
  }

  /// Checks the options when `module` is made.
  func check(for module: AnyModule) {
    if numHeads < 1 || feedForwardDim < 1 {
      module.wrongArguments(
        "needs a head and a hidden unit at least, got \(numHeads) and \(feedForwardDim)")
    }
    if !(0..<1).contains(dropout) {
      module.wrongArgument("dropout", must: "be in 0..<1", got: "\(dropout)")
    }
  }

  /// Whether `x` is `[batch, time, features]` with features that the heads can share; an error if not.
  func fits(_ x: Tensor, of module: AnyModule) -> Bool {
    if x.rank == 3, !x.isInvalid, x.shape[2] % numHeads == 0 { return true }
    _ = module.wrongInput(
      x, expected: "[batch, time, features] with features that \(numHeads) heads can share")
    return false
  }

  func attention(_ name: String, features: Int, isCausal: Bool) -> MultiHeadAttention {
    MultiHeadAttention(
      numHeads: numHeads, keyDim: features / numHeads, dropout: dropout, useBias: useBias,
      useCausalMask: isCausal, name: name)
  }

  func norm(_ name: String) -> LayerNormalization {
    LayerNormalization(epsilon: epsilon, center: useBias, name: name)
  }

  /// Two linear layers with an activation, and dropout, between them.
  func feedForward(features: Int) -> (Tensor) -> Tensor {
    let first = Linear(feedForwardDim, activation: activation, useBias: useBias, name: "linear1")
    let drop = Dropout(dropout, name: "dropout")
    let second = Linear(features, useBias: useBias, name: "linear2")
    return { second(drop(first($0))) }
  }

  /// What a residual branch makes of `x`: normalised before the branch, or after the sum.
  func residual(number: Int, _ branch: @escaping (Tensor) -> Tensor) -> (Tensor) -> Tensor {
    let norm = norm("norm\(number)")
    let drop = Dropout(dropout, name: "dropout\(number)")
    return { [normFirst] x in
      normFirst ? x + drop(branch(norm(x))) : norm(x + drop(branch(x)))
    }
  }
}
