import Tensors

/// Brings embeddings of one class together and those of others apart, each pair as strongly as it is still far from its goal.
///
/// With the distance `d = max(1 − a·b, 0)` of an anchor `a` to another embedding, margin `m` and scale `γ`, the value of an anchor is
/// `softplus(log Σ exp(γ · (m + d) · (d − m)) + log Σ exp(γ · max(1 + m − d, 0) · (1 − m − d)))`, the first sum over the
/// others of its class, the second over those of other classes.
///
/// Values of shape `[batch]` for class numbers `[batch]` or `[batch, 1]` and embeddings `[batch, size]` of length 1
/// (``normalize(_:axes:epsilon:)``). An anchor whose value is 0, such as one that is alone in its class or without any other class, does not count in a
/// mean, as in Keras. An anchor is compared with those of its batch, on several ranks with those of its rank's share: N ranks see fewer
/// pairs than one process. See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Sun et al., *Circle Loss* (2020), equation 6; Keras, `losses.Circle`.
public struct Circle: Loss, TakesClassNumbers {
  /// What exponents are multiplied by.
  public let gamma: Double
  /// How far from their goals pairs may stay.
  public let margin: Double
  /// Whether an anchor is no pair with itself.
  public let removeDiagonal: Bool
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss, with Keras's defaults.
  public init(
    gamma: Double = 80, margin: Double = 0.4, removeDiagonal: Bool = true,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.gamma = gamma
    self.margin = margin
    self.removeDiagonal = removeDiagonal
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value an anchor, `[batch]`, of which those count that are not 0; labels that are no whole numbers are an error.
  public func call(_ inputs: LabelsAndPredictions) -> MaskedValues {
    let values = circle(
      inputs.yTrue, inputs.yPred, removeDiagonal: removeDiagonal, gamma: gamma, margin: margin)
    return MaskedValues(values, mask: values .> 0)
  }
}

/// The circle loss of class numbers `[batch]` and embeddings `[batch, size]`, `[batch]`; see ``Circle``.
///
/// - Parameters:
///   - yTrue: class numbers `[batch]` or `[batch, 1]`.
///   - yPred: embeddings `[batch, size]` of length 1.
///   - refLabels: class numbers `[count]` of what anchors are compared with; `yTrue` without any.
///   - refEmbeddings: their embeddings `[count, size]`; `yPred` without any.
///   - removeDiagonal: whether embeddings of equal position are no pair.
///   - gamma: what exponents are multiplied by.
///   - margin: how far from their goals pairs may stay.
/// - Returns: one value an anchor.
public func circle(
  _ yTrue: Tensor, _ yPred: Tensor, refLabels: Tensor? = nil, refEmbeddings: Tensor? = nil,
  removeDiagonal: Bool = true, gamma: Double = 80, margin: Double = 0.4
) -> Tensor {
  attempt {
    let anchors = floating(yPred)
    let labels = try pairLabels(yTrue, anchors, "circle")
    let others = refEmbeddings.map { $0.cast(to: anchors.dtype) } ?? anchors
    let pairs = EmbeddingPairs(
      labels, try refLabels.map { try pairLabels($0, others, "circle") } ?? labels,
      removeDiagonal: removeDiagonal)
    let distance = maximum(1 - matmul(anchors, others.transpose()), 0)
    let near = (distance + margin) * (distance - margin) * gamma
    let far = maximum(1 + margin - distance, 0) * (1 - margin - distance) * gamma
    // Sums over nothing are small numbers in the place of minus infinity: slopes are numbers, namely 0.
    let nothing = -1e30
    return softplus(
      logSumExp(select(pairs.isPositive, near, nothing), axis: 1)
        + logSumExp(select(pairs.isNegative, far, nothing), axis: 1))
  }
}

/// Which embeddings are of one class: bool, `[anchors, others]`.
struct EmbeddingPairs {
  /// Pairs of one class, mostly without those of an embedding with itself.
  let isPositive: Tensor
  /// Pairs of two classes.
  let isNegative: Tensor

  /// Pairs of anchors and others with these labels, `[anchors]` and `[others]`.
  init(_ anchors: Tensor, _ others: Tensor, removeDiagonal: Bool = true) {
    let isSame = expandDims(anchors, axis: 1) .== expandDims(others, axis: 0)
    isNegative = logicalNot(isSame)
    guard removeDiagonal else {
      isPositive = isSame
      return
    }
    let (rows, columns) = (Tensor.arange(isSame.shape[0]), Tensor.arange(isSame.shape[1]))
    isPositive = logicalAnd(isSame, expandDims(rows, axis: 1) .!= expandDims(columns, axis: 0))
  }
}

/// Labels of embeddings `[batch, size]` as `[batch]`, in their own type.
func pairLabels(
  _ yTrue: Tensor, _ embeddings: Tensor, _ operation: String
) throws(EngineError) -> Tensor {
  let labels = yTrue.rank == 2 && yTrue.shape[1] == 1 ? squeeze(yTrue, axis: -1) : yTrue
  guard embeddings.rank == 2, labels.rank == 1, labels.shape[0] == embeddings.shape[0] else {
    throw .shape(
      operation: operation,
      message: "labels must be [batch] and embeddings [batch, size], found \(yTrue.shape) and "
        + "\(embeddings.shape)")
  }
  return labels
}
