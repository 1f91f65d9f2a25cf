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

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
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
  var (labels, predictions) = paired(labels: yTrue, predictions: yPred, "binaryCrossentropy")
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

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    categoricalCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
  }
}

/// The cross-entropy of labels and predictions `[batch, classes]`, `[batch]`; see ``CategoricalCrossentropy``.
public func categoricalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0
) -> Tensor {
  var (labels, predictions) = paired(
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

/// The cross-entropy of one choice among classes, `−log p[yTrue]`, for labels that are class numbers.
///
/// Values of shape `[batch]` for labels `[batch]` or `[batch, 1]` and predictions `[batch, classes]`; a time axis in
/// between stays. A label outside `0 ..< classes` is an error that names it. See ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.3; Keras,
///   `losses.SparseCategoricalCrossentropy`.
public struct SparseCategoricalCrossentropy: Loss, TakesClassNumbers {
  /// Whether predictions are any numbers, with `p = softmax(yPred)`; else they are probabilities.
  public let fromLogits: Bool
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; predictions are probabilities by default.
  public init(
    fromLogits: Bool = false, reduction: Reduction = .auto, weight: Double = 1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.fromLogits = fromLogits
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`, or `[batch, time]` with a time axis; labels that are no class are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    sparseCategoricalCrossentropy(inputs.yTrue, inputs.yPred, fromLogits: fromLogits)
  }
}

/// The cross-entropy of class numbers `[batch]` and predictions `[batch, classes]`, `[batch]`; see
/// ``SparseCategoricalCrossentropy``.
public func sparseCategoricalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false
) -> Tensor {
  let predictions = floating(yPred)
  let labels = classNumbers(yTrue, for: predictions, "sparseCategoricalCrossentropy")
  if fromLogits { return sparseCrossEntropy(predictions, labels: labels) }
  return -takeAlong(logProbabilities(predictions, fromLogits: false), labels, axis: -1)
}
