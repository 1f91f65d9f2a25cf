import Tensors

/// Attention of several heads: each looks at keys and values through projections of its own.
///
/// `Σ softmax(q k / √keyDim) v` in each head, projected back to features. Input a tensor `[batch, time, features]` that looks
/// at itself, or ``AttentionInputs``; output `[batch, queries, outputDim]`.
///
/// ```swift
/// let y = MultiHeadAttention(numHeads: 8, keyDim: 64, useCausalMask: true)(x)
/// let z = MultiHeadAttention(numHeads: 8, keyDim: 64)(x, value: memory, valueMask: mask)
/// ```
///
/// A query that sees no key gets the bias of the output projection (Keras: the mean of all values). Variables, by Keras's
/// names: `query/kernel` `[features, heads, keyDim]`, `query/bias` `[heads, keyDim]`, `key/...`, `value/kernel` `[features,
/// heads, valueDim]`, `attention_output/kernel` `[heads, valueDim, outputDim]`, `attention_output/bias`.
///
/// - SeeAlso: Vaswani et al., *Attention Is All You Need* (2017), §3.2; Keras, `layers.MultiHeadAttention`.
public final class MultiHeadAttention: Module {
  /// The number of heads.
  public let numHeads: Int
  /// The length of a head's queries and keys.
  public let keyDim: Int
  /// The length of a head's values.
  public let valueDim: Int
  /// The probability that a weight of the mean is dropped while training.
  public let dropout: Double
  /// Whether projections have biases.
  public let useBias: Bool
  /// The length of the output's last axis; nil for that of the query.
  public let outputDim: Int?
  /// Whether query `i` sees the keys `0...i` only.
  public let useCausalMask: Bool
  /// Whether ``Callable/call(_:)`` gives the weights as well.
  public let returnAttentionScores: Bool
  private let options: ProjectionOptions

  /// A layer of `numHeads` heads; Keras's defaults. Keras's `output_shape` is `outputDim`.
  public init(
    numHeads: Int, keyDim: Int, valueDim: Int? = nil, dropout: Double = 0, useBias: Bool = true,
    outputDim: Int? = nil, useCausalMask: Bool = false, returnAttentionScores: Bool = false,
    kernelInitializer: any Initializer = GlorotUniform(),
    biasInitializer: any Initializer = Zeros(), kernelRegularizer: (any Regularizer)? = nil,
    biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
    biasConstraint: (any Constraint)? = nil, name: String? = nil
  ) {
    self.numHeads = numHeads
    self.keyDim = keyDim
    self.valueDim = valueDim ?? keyDim
    self.dropout = dropout
    self.useBias = useBias
    self.outputDim = outputDim
    self.useCausalMask = useCausalMask
    self.returnAttentionScores = returnAttentionScores
    options = ProjectionOptions(
      useBias: useBias, kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
      kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer,
      kernelConstraint: kernelConstraint, biasConstraint: biasConstraint)
    super.init(name: name)
    if numHeads < 1 || keyDim < 1 || self.valueDim < 1 {
      wrongArguments(
        "needs a head and a length at least, got \(numHeads) heads of \(keyDim) and "
          + "\(self.valueDim)")
    }
    check(rate: dropout, "dropout")
  }

  override var configuration: String {
    "(numHeads: \(numHeads), keyDim: \(keyDim), valueDim: \(valueDim), dropout: \(dropout), "
      + "useBias: \(useBias), outputDim: \(outputDim.map { "\($0)" } ?? "nil"), "
      + "useCausalMask: \(useCausalMask), returnAttentionScores: \(returnAttentionScores))"
  }

  /// One tensor, or a list of the output and the weights `[batch, heads, queries, keys]`.
  public func call(_ input: AttentionInputs) -> Structure {
    let (output, scores) = attend(input, givesScores: returnAttentionScores)
    return scores.map { [.tensor(output), .tensor($0)] } ?? .tensor(output)
  }

  /// The output alone, `[batch, queries, outputDim]`; the parameters are the fields of ``AttentionInputs``.
  public func callAsFunction(
    _ query: Tensor, value: Tensor? = nil, key: Tensor? = nil, attentionMask: Tensor? = nil,
    queryMask: Tensor? = nil, valueMask: Tensor? = nil, keyMask: Tensor? = nil
  ) -> Tensor {
    let input = AttentionInputs(
      query: query, value: value, key: key, attentionMask: attentionMask, queryMask: queryMask,
      valueMask: valueMask, keyMask: keyMask)
    return enter { attend(input, givesScores: false).output }
  }

  /// The output and the weights of each head's mean, `[batch, heads, queries, keys]`.
  public func withScores(_ input: AttentionInputs) -> (output: Tensor, scores: Tensor) {
    let (output, scores) = enter { attend(input, givesScores: true) }
    return (output, scores ?? .invalid)
  }

  private func attend(
    _ input: AttentionInputs, givesScores: Bool
  ) -> (output: Tensor, scores: Tensor?) {
    guard let x = input.checked(for: self) else { return (.invalid, nil) }
    func heads(_ size: Int, _ name: String) -> HeadProjection {
      HeadProjection(summed: 1, output: [numHeads, size], options, name: name)
    }
    let query = heads(keyDim, "query")(x.query)
    let key = heads(keyDim, "key")(x.key)
    let value = heads(valueDim, "value")(x.value)
    let project = HeadProjection(
      summed: 2, output: [outputDim ?? x.query.shape[-1]], options, name: "attention_output")
    var mask = input.mask(hidesQueries: true)
    if mask?.rank == 3 { mask = mask?.expandDims(axis: 1) }
    setMask(input.queryMask)
    let isDropping = isTraining && dropout > 0
    guard isDropping || givesScores || valueDim != keyDim else {
      let mixed = scaledDotProductAttention(
        query, key, value, mask: mask, isCausal: useCausalMask)
      return (project(mixed), nil)
    }
    func headsFirst(_ x: Tensor) -> Tensor { transpose(x, [0, 2, 1, 3]) }
    let products = matmul(headsFirst(query), headsFirst(key).transposed)
    let weights = attentionWeights(
      products / Double(keyDim).squareRoot(), mask: mask, isCausal: useCausalMask)
    let kept = isDropping ? Engine.dropout(weights, rate: dropout, key: nextKey()) : weights
    let mixed = headsFirst(matmul(kept, headsFirst(value)))
    return (project(mixed), givesScores ? weights : nil)
  }
}

extension MultiHeadAttention: TakesMask {
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    try call(structure: [
      "query": .tensor(x), "queryMask": .tensor(mask), "valueMask": .tensor(mask),
    ])
  }
}
