import Tensors

/// Attention without projections: for each query the mean of the values, weighted by the softmax of its scores with the keys.
///
/// Input ``AttentionInputs``, as a list query, value and perhaps key; output `[batch, queries, features of values]`, 0 for
/// queries that are padding. The score is the product of query and key, or with `.concat` the sum of `tanh(query + key)`.
/// Parameters: `scale` `[]` with `useScale`; `concat_score_weight` `[]` with `.concat`.
///
/// - SeeAlso: Luong, Pham, Manning, *Effective Approaches to Attention-based Neural Machine Translation* (2015), §3.1;
///   Keras, `layers.Attention`.
public class Attention: Module {
  /// How a query is compared with a key.
  public enum ScoreMode: String, Codable, Sendable {
    /// The scalar product of both vectors.
    case dot
    /// The sum of the hyperbolic tangents of their sum.
    case concat
  }

  /// Whether a scale of the scores is learned.
  public let useScale: Bool
  /// How a query is compared with a key.
  public let scoreMode: ScoreMode
  /// The probability that a weight of the mean is dropped while training.
  public let dropout: Double
  /// Whether query `i` sees the keys `0...i` only.
  public let useCausalMask: Bool
  /// Whether ``call(_:)`` gives the weights as well.
  public let returnAttentionScores: Bool

  /// A layer; Keras's defaults.
  public init(
    useScale: Bool = false, scoreMode: ScoreMode = .dot, dropout: Double = 0,
    useCausalMask: Bool = false, returnAttentionScores: Bool = false, name: String? = nil
  ) {
    self.useScale = useScale
    self.scoreMode = scoreMode
    self.dropout = dropout
    self.useCausalMask = useCausalMask
    self.returnAttentionScores = returnAttentionScores
    super.init(name: name)
    check(rate: dropout, "dropout")
  }

  override var configuration: String {
    "(useScale: \(useScale), scoreMode: \(scoreMode), dropout: \(dropout), "
      + "useCausalMask: \(useCausalMask), returnAttentionScores: \(returnAttentionScores))"
  }

  /// One tensor, or a list of the output and the weights `[batch, queries, keys]`.
  public func call(_ input: AttentionInputs) -> Structure {
    let (output, scores) = attend(input)
    return returnAttentionScores ? [.tensor(output), .tensor(scores)] : .tensor(output)
  }

  /// The output alone, `[batch, queries, features of the values]`; the parameters are the fields of ``AttentionInputs``.
  public func callAsFunction(
    _ query: Tensor, value: Tensor? = nil, key: Tensor? = nil, attentionMask: Tensor? = nil,
    queryMask: Tensor? = nil, valueMask: Tensor? = nil
  ) -> Tensor {
    let input = AttentionInputs(
      query: query, value: value, key: key, attentionMask: attentionMask, queryMask: queryMask,
      valueMask: valueMask)
    return enter { attend(input).output }
  }

  private func attend(_ input: AttentionInputs) -> (output: Tensor, scores: Tensor) {
    guard let x = input.checked(for: self) else { return (.invalid, .invalid) }
    guard x.query.shape[2] == x.key.shape[2] else {
      return (
        wrongInput(x.key, expected: "keys with as many features as queries \(x.query.shape)"),
        .invalid
      )
    }
    let weights = attentionWeights(
      scores(x.query, x.key), mask: input.mask(hidesQueries: false), isCausal: useCausalMask)
    let isDropping = isTraining && dropout > 0
    let kept = isDropping ? Engine.dropout(weights, rate: dropout, key: nextKey()) : weights
    let mixed = matmul(kept, x.value)
    setMask(input.queryMask)
    return (input.queryMask.map { select($0.expandDims(axis: -1), mixed, 0) } ?? mixed, weights)
  }

  /// The scores `[batch, queries, keys]`.
  func scores(_ query: Tensor, _ key: Tensor) -> Tensor {
    let scale =
      useScale ? parameter("scale", shape: [], initializer: Ones(), dtype: query.dtype) : nil
    func scaled(_ x: Tensor) -> Tensor { scale.map { x * $0 } ?? x }
    switch scoreMode {
    case .dot: return scaled(matmul(query, key.transposed))
    case .concat:
      let weight = parameter(
        "concat_score_weight", shape: [], initializer: Ones(), dtype: query.dtype)
      return weight * sum(tanh(scaled(pairs(query, key))), axis: -1)
    }
  }

  /// The sums of every query and every key, `[batch, queries, keys, features]`.
  final func pairs(_ query: Tensor, _ key: Tensor) -> Tensor {
    query.expandDims(axis: 2) + key.expandDims(axis: 1)
  }
}
