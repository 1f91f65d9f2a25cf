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
  /// `resetAfter` says whether the reset gate comes after the product with the state.
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
      cell: GRUCell(
        settings, recurrentActivation: recurrentActivation, resetAfter: resetAfter),
      returnSequences: returnSequences, returnState: returnState, goBackwards: goBackwards,
      stateful: stateful, unroll: unroll, name: name)
  }
}

/// The step of ``GRU``: the state moves towards a candidate as far as the update gate lets it.
///
/// With `σ` the recurrent activation, and columns of kernels and biases in the order `z`, `r`, `h`:
///
///     z = σ(x Kz + bz + h Rz)       r = σ(x Kr + br + h Rr)
///     c = activation(x Kh + bh + r ∘ (h Rh + b'h))     resetAfter: with a second bias for h R
///     c = activation(x Kh + bh + (r ∘ h) Rh)           else
///     h' = z ∘ h + (1 − z) ∘ c
///
/// Parameters: `kernel` `[features, 3 · units]`, `recurrent_kernel` `[units, 3 · units]`, `bias` `[2, 3 · units]` or
/// `[3 · units]`.
///
/// - SeeAlso: Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder* (2014), §2.3; Keras,
///   `layers.GRUCell`.
public final class GRUCell: BaseRecurrentCell, RecurrentCell {
  /// What is applied to the gates.
  public let recurrentActivation: ActivationFunction
  /// Whether the reset gate comes after the product.
  public let resetAfter: Bool

  /// A cell; Keras's defaults. `GRUCell(32)` is one of 32 units.
  public init(
    _ settings: RecurrentSettings, recurrentActivation: ActivationFunction = .sigmoid,
    resetAfter: Bool = true, name: String? = nil
  ) {
    self.recurrentActivation = recurrentActivation
    self.resetAfter = resetAfter
    super.init(settings, name: name)
  }

  /// The lengths of the states: one state, of `units`.
  public var stateSizes: [Int] { [units] }

  /// A cell with the same settings and variables of its own.
  public func fresh() -> GRUCell {
    GRUCell(settings, recurrentActivation: recurrentActivation, resetAfter: resetAfter)
  }

  /// Computes the inputs' part of the sums.
  public func sequence(_ x: Tensor) -> RecurrentSequence {
    let weights = weights(
      gates: 3, for: x, biasShape: resetAfter ? [2, 3 * units] : [3 * units])
    // Both biases of a gate are added to the same sum; that of the candidate's product is not.
    var (bias, productBias) = (weights.bias, Tensor?.none)
    if resetAfter, let both = weights.bias {
      let gates = both[.all, ..<(2 * units)]
      bias = concatenate([gates[0] + gates[1], both[0, (2 * units)...]])
      productBias = both[1, (2 * units)...]
    }
    let inputs = inputSums(x, kernel: weights.kernel, bias: bias)
    let drop = stateDropout(for: x)
    let candidate =
      resetAfter ? resettingAfter(weights, bias: productBias) : resettingBefore(weights)
    var sequence = RecurrentSequence(inputs: inputs) { input, states in
      let h = states[0]
      let (update, c) = candidate(input, h.dropped(drop))
      let next = c + update * (h - c)
      return (next, [next])
    }
    if resetAfter {
      sequence.fused = FusedSteps(
        .gru, activation: settings.activation, gate: recurrentActivation,
        weights: weights.recurrentKernel,
        bias: productBias ?? .zeros([units], dtype: x.dtype), drop: drop)
    }
    return sequence
  }

  private typealias Candidate = (_ input: Tensor, _ h: Tensor) -> (update: Tensor, state: Tensor)

  private func resettingAfter(_ weights: RecurrentWeights, bias: Tensor?) -> Candidate {
    let (units, gate, activation) = (units, recurrentActivation, settings.activation)
    return { input, h in
      let sums = matmul(h, weights.recurrentKernel)
      let gates = gate(input[.all, ..<(2 * units)] + sums[.all, ..<(2 * units)])
      let reset = gates[.all, units...]
      var product = sums[.all, (2 * units)...]
      if let bias { product = product + bias }
      let state = activation(input[.all, (2 * units)...] + reset * product)
      return (gates[.all, ..<units], state)
    }
  }

  private func resettingBefore(_ weights: RecurrentWeights) -> Candidate {
    let (units, gate, activation) = (units, recurrentActivation, settings.activation)
    let gateKernel = weights.recurrentKernel[.all, ..<(2 * units)]
    let stateKernel = weights.recurrentKernel[.all, (2 * units)...]
    return { input, h in
      let gates = gate(matmul(h, gateKernel) + input[.all, ..<(2 * units)])
      let reset = gates[.all, units...]
      let state = activation(matmul(reset * h, stateKernel) + input[.all, (2 * units)...])
      return (gates[.all, ..<units], state)
    }
  }
}
