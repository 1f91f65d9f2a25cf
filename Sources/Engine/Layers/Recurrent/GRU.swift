import Tensors

/// A layer of gated recurrent units: `GRU(32)`.
///
/// Input `[batch, time, features]`, alone or as ``SequenceInputs``; output `[batch, units]`, or `[batch, time, units]`
/// with `returnSequences`. Formulas and variables are those of ``GRUCell``; what else it can do is said at ``RNN``.
///
/// - SeeAlso: Cho et al. (2014); Keras, `layers.GRU`.
public final class GRU: RNN<GRUCell> {
  /// A layer of `units`; Keras's defaults.
  ///
  /// - Parameter resetAfter: whether the reset gate comes after the product with the state.
  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, useBias: Bool = true,
    resetAfter: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    recurrentInitializer: any Initializer = Orthogonal(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, recurrentConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, dropout: Double = 0, recurrentDropout: Double = 0,
    returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false, stateful: Bool = false,
    name: String? = nil
  ) {
    let settings = RecurrentSettings(
      units, activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
      recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, recurrentRegularizer: recurrentRegularizer,
      biasRegularizer: biasRegularizer, kernelConstraint: kernelConstraint,
      recurrentConstraint: recurrentConstraint, biasConstraint: biasConstraint, dropout: dropout,
      recurrentDropout: recurrentDropout)
    super.init(
      cell: GRUCell(
        settings, recurrentActivation: recurrentActivation, resetAfter: resetAfter),
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards,
      stateful: stateful, name: name)
  }
}
