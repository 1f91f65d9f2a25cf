import Tensors

/// The cross-entropy of independent yes-or-no questions: `−(t·log p + (1 − t)·log(1 − p))`, averaged over the last axis.
///
/// Values of shape `[batch]` for labels (0 or 1, or in between) and predictions `[batch, n]`; see ``LossOptions``
/// for the other arguments.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.2; Keras, `losses.BinaryCrossentropy`.
public struct BinaryCrossentropy: Loss {
  /// Whether predictions are any numbers, with `p = sigmoid(yPred)`; else they are probabilities.
  public let fromLogits: Bool
  /// Moves labels towards ½: `t·(1 − s) + ½s`.
  public let labelSmoothing: Double
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; predictions are probabilities by default.
  public init(
    fromLogits: Bool = false, labelSmoothing: Double = 0, reduction: Reduction = .auto,
    weight: Double = 1, on: StructurePath? = nil, name: String? = nil
  ) {
    self.fromLogits = fromLogits
    self.labelSmoothing = labelSmoothing
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    binaryCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
  }
}

/// The binary cross-entropy, `[batch]` for labels and predictions `[batch, n]`; see ``BinaryCrossentropy``.
///
/// Probabilities are clipped to [1e-7, 1 − 1e-7] as in Keras; logits need no clipping.
public func binaryCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0
) -> Tensor {
  var (labels, predictions) = matched(labels: yTrue, predictions: yPred, "binaryCrossentropy")
  if labelSmoothing != 0 { labels = labels * (1 - labelSmoothing) + 0.5 * labelSmoothing }
  if fromLogits {
    // −log sigmoid(x) = softplus(−x): exact for large |x|, and with the right slope at 0.
    return sampleMean(
      labels * softplus(-predictions) + (1.0 - labels) * softplus(predictions))
  }
  predictions = clippedProbabilities(predictions)
  return sampleMean(-(labels * log(predictions) + (1.0 - labels) * log(1.0 - predictions)))
}

/// Probabilities within [1e-7, 1 − 1e-7], Keras's `epsilon`, so that logarithms are finite.
func clippedProbabilities(_ p: Tensor) -> Tensor { minimum(maximum(p, 1e-7), 1 - 1e-7) }
