import Tensors

/// Brings pairs that belong together to the distance 0 and others to a margin at least: `½ (1 − t) · d² + ½ t · max(m − d, 0)²`, with
/// `t` 0 for a pair that belongs together and 1 for another one, as in the paper.
///
/// Predictions are the distances `d` of pairs, `[batch]` or `[batch, n]`, such as `norm(a - b, axis: -1)` of two embeddings; labels are
/// of the same shape. Values of shape `[batch]`, the mean over the last axis where there are several. (Some libraries count a pair that belongs
/// together as 1, and leave out the ½.) See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Hadsell, Chopra, LeCun, *Dimensionality Reduction by Learning an Invariant Mapping* (2006), equation 4.
public struct Contrastive: Loss {
  /// The distance from which pairs that do not belong together are left alone.
  public let margin: Double
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; `margin` is 1 by default.
  public init(
    margin: Double = 1, reduction: Reduction = .auto, weight: Double = 1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.margin = margin
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a pair, `[batch]`; labels of another shape than distances are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    contrastive(inputs.yTrue, inputs.yPred, margin: margin)
  }
}

/// The contrastive loss of labels and distances, `[batch]` for both `[batch]` or `[batch, n]`; see ``Contrastive``.
public func contrastive(_ yTrue: Tensor, _ yPred: Tensor, margin: Double = 1) -> Tensor {
  let (isApart, distance) = paired(labels: yTrue, predictions: yPred, "contrastive")
  let together = (1 - isApart) * square(distance)
  let apart = isApart * square(maximum(margin - distance, 0))
  return sampleMean((together + apart) * 0.5)
}
