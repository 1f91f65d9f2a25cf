import Tensors

/// The recurrent layer whose state is its output: `SimpleRNN(32)`.
///
/// Input `[batch, time, features]`, alone or as ``SequenceInputs``; output `[batch, units]`, or `[batch, time, units]`
/// with `returnSequences`. Formulas and variables are those of ``SimpleRNNCell``; what else it can do is said at ``RNN``.
///
/// - SeeAlso: Elman, *Finding Structure in Time* (1990); Keras, `layers.SimpleRNN`.
public final class SimpleRNN: RNN<SimpleRNNCell> {
  /// A layer of `units`; Keras's defaults.
  public init(
    _ units: Int, activation: ActivationFunction = .tanh, useBias: Bool = true,
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
      cell: SimpleRNNCell(settings),
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards,
      stateful: stateful, unroll: unroll, name: name)
  }
}

/// The step of ``SimpleRNN``: `h' = activation(x · kernel + bias + h · recurrent_kernel)`, which is output and state.
///
/// Parameters: `kernel` `[features, units]`, `recurrent_kernel` `[units, units]`, `bias` `[units]`.
///
/// - SeeAlso: Elman, *Finding Structure in Time* (1990); Keras, `layers.SimpleRNNCell`.
public final class SimpleRNNCell: BaseRecurrentCell, RecurrentCell {
  /// A cell; Keras's defaults. `SimpleRNNCell(32)` is one of 32 units.
  public override init(_ settings: RecurrentSettings, name: String? = nil) {
    super.init(settings, name: name)
  }

  /// The lengths of the states: one state, of `units`.
  public var stateSizes: [Int] { [units] }

  /// A cell with the same settings and variables of its own.
  public func fresh() -> SimpleRNNCell { SimpleRNNCell(settings) }

  /// Computes the inputs' part of the sums.
  public func sequence(_ x: Tensor) -> RecurrentSequence {
    let weights = weights(gates: 1, for: x)
    let inputs = inputSums(x, kernel: weights.kernel, bias: weights.bias)
    let (drop, activation) = (stateDropout(for: x), settings.activation)
    var sequence = RecurrentSequence(inputs: inputs) { input, states in
      let h = activation(matmul(states[0].dropped(drop), weights.recurrentKernel) + input)
      return (h, [h])
    }
    sequence.fused = FusedSteps(
      .simple, activation: activation, gate: activation, weights: weights.recurrentKernel,
      drop: drop)
    return sequence
  }
}
