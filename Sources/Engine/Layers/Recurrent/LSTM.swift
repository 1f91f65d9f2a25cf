import Tensors

/// A layer of long short-term memory: `LSTM(32)`.
///
/// Input `[batch, time, features]`, alone or as ``SequenceInputs``; output `[batch, units]`, or `[batch, time, units]`
/// with `returnSequences`. Formulas and variables are those of ``LSTMCell``; what else it can do is said at ``RNN``.
///
/// - SeeAlso: Hochreiter, Schmidhuber (1997); Keras, `layers.LSTM`.
public final class LSTM: RNN<LSTMCell> {
  /// A layer of `units`; Keras's defaults.
  ///
  /// The bias of the forget gate is 1 at first where `unitForgetBias` says so.
  public init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, useBias: Bool = true,
    unitForgetBias: Bool = true,
    kernelInitializer: any Initializer = GlorotUniform(),
    recurrentInitializer: any Initializer = Orthogonal(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    recurrentRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
    kernelConstraint: (any Constraint)? = nil, recurrentConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, dropout: Double = 0, recurrentDropout: Double = 0,
    returnSequences: Bool = false,
    returnState: Bool = false, goBackwards: Bool = false, stateful: Bool = false,
    unroll: Bool = false, name: String? = nil
  ) {
    let settings = RecurrentSettings(
      units, activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
      recurrentInitializer: recurrentInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, recurrentRegularizer: recurrentRegularizer,
      biasRegularizer: biasRegularizer, kernelConstraint: kernelConstraint,
      recurrentConstraint: recurrentConstraint, biasConstraint: biasConstraint, dropout: dropout,
      recurrentDropout: recurrentDropout)
    super.init(
      cell: LSTMCell(
        settings, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias),
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards,
      stateful: stateful, unroll: unroll, name: name)
  }
}

/// The step of ``LSTM``: gates decide what a memory forgets, takes in and shows.
///
/// With `σ` the recurrent activation, `s = x · kernel + bias + h · recurrent_kernel` and its columns in the order `i`,
/// `f`, `c`, `o`:
///
///     c' = σ(sf) ∘ c + σ(si) ∘ activation(sc)          h' = σ(so) ∘ activation(c')
///
/// The output is `h'`, the states are `h` and `c`. Parameters: `kernel` `[features, 4 · units]`, `recurrent_kernel`
/// `[units, 4 · units]`, `bias` `[4 · units]`.
///
/// - SeeAlso: Hochreiter, Schmidhuber, *Long Short-Term Memory* (1997); Gers, Schmidhuber, Cummins, *Learning to Forget*
///   (2000), §3; Keras, `layers.LSTMCell`.
public final class LSTMCell: BaseRecurrentCell, RecurrentCell {
  /// What is applied to the gates.
  public let recurrentActivation: ActivationFunction
  /// Whether the bias of the forget gate is 1 at first.
  public let unitForgetBias: Bool

  /// A cell; Keras's defaults. `LSTMCell(32)` is one of 32 units.
  public init(
    _ settings: RecurrentSettings, recurrentActivation: ActivationFunction = .sigmoid,
    unitForgetBias: Bool = true, name: String? = nil
  ) {
    self.recurrentActivation = recurrentActivation
    self.unitForgetBias = unitForgetBias
    super.init(settings, name: name)
  }

  /// The lengths of the states `h` and `c`: both `units`.
  public var stateSizes: [Int] { [units, units] }

  /// A cell with the same settings and variables of its own.
  public func fresh() -> LSTMCell {
    LSTMCell(settings, recurrentActivation: recurrentActivation, unitForgetBias: unitForgetBias)
  }

  /// Computes the inputs' part of the sums.
  public func sequence(_ x: Tensor) -> RecurrentSequence {
    let bias = settings.biasInitializer
    let weights = weights(
      gates: 4, for: x,
      biasInitializer: unitForgetBias ? ForgetBias(units: units, others: bias) : bias)
    let inputs = inputSums(x, kernel: weights.kernel, bias: weights.bias)
    let drop = stateDropout(for: x)
    let (units, gate, activation) = (units, recurrentActivation, settings.activation)
    var sequence = RecurrentSequence(inputs: inputs) { input, states in
      let sums = matmul(states[0].dropped(drop), weights.recurrentKernel) + input
      // Gates that lie side by side are computed as one.
      let first = gate(sums[.all, ..<(2 * units)])
      let taken = first[.all, ..<units] * activation(sums[.all, (2 * units)..<(3 * units)])
      let c = first[.all, units...] * states[1] + taken
      let h = gate(sums[.all, (3 * units)...]) * activation(c)
      return (h, [h, c])
    }
    sequence.fused = FusedSteps(
      .lstm, activation: activation, gate: gate, weights: weights.recurrentKernel, drop: drop)
    return sequence
  }
}

/// 1 for the forget gate, so that a fresh memory lasts.
///
/// - SeeAlso: Jozefowicz, Zaremba, Sutskever, *An Empirical Exploration of Recurrent Network Architectures* (2015), §2.2.
private struct ForgetBias: Initializer {
  let units: Int
  let others: any Initializer

  func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    let given = others(shape, dtype: dtype, key: key)
    return concatenate([
      given[..<units], .ones([units], dtype: dtype), given[(2 * units)...],
    ])
  }
}
