import Tensors

/// The cross-entropy of one choice among classes: `−Σ t·log p` over the last axis, for labels that are rows of
/// probabilities (one-hot or soft).
///
/// Values of shape `[batch]` for labels and predictions `[batch, classes]`; for class numbers use
/// ``SparseCategoricalCrossentropy``. See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.3; label smoothing: Szegedy et al.,
///   *Rethinking the Inception Architecture* (2016), §7; Keras, `losses.CategoricalCrossentropy`.
public struct CategoricalCrossentropy: Loss {
  /// Whether predictions are any numbers, with `p = softmax(yPred)`; else they are probabilities.
  public let fromLogits: Bool
  /// Moves labels towards the even distribution: `t·(1 − s) + s / classes`.
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
    categoricalCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
  }
}

/// The cross-entropy of labels and predictions `[batch, classes]`, `[batch]`; see ``CategoricalCrossentropy``.
public func categoricalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0
) -> Tensor {
  var (labels, predictions) = matched(
    labels: yTrue, predictions: yPred, "categoricalCrossentropy")
  if labelSmoothing != 0, predictions.rank > 0 {
    let share = labelSmoothing / Double(Swift.max(predictions.shape[-1], 1))
    labels = labels * (1 - labelSmoothing) + share
  }
  return -sum(labels * logProbabilities(predictions, fromLogits: fromLogits), axis: -1)
}

/// The logarithms of class probabilities along the last axis.
///
/// Probabilities are first divided by their sum and clipped to [1e-7, 1 − 1e-7], as in Keras.
func logProbabilities(_ yPred: Tensor, fromLogits: Bool) -> Tensor {
  if fromLogits { return logSoftmax(yPred) }
  return log(clippedProbabilities(yPred / sum(yPred, axis: -1, keepDims: true)))
}
