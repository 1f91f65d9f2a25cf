import Tensors

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

  /// One value a sample.
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
