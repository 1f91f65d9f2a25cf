import Tensors

/// The cross-entropy of independent yes-or-no questions: `−(t·log p + (1 − t)·log(1 − p))`, averaged over an axis.
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
  /// The axis that is averaged over; negative from the end.
  public let axis: Int
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; predictions are probabilities by default.
  public init(
    fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.fromLogits = fromLogits
    self.labelSmoothing = labelSmoothing
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    binaryCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing,
      axis: axis)
  }
}

/// The binary cross-entropy, `[batch]` for labels and predictions `[batch, n]`; see ``BinaryCrossentropy``.
///
/// Probabilities are clipped to [1e-7, 1 − 1e-7] as in Keras; logits need no clipping.
public func binaryCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0,
  axis: Int = -1
) -> Tensor {
  var (labels, predictions) = paired(labels: yTrue, predictions: yPred, "binaryCrossentropy")
  if labelSmoothing != 0 { labels = labels * (1 - labelSmoothing) + 0.5 * labelSmoothing }
  if fromLogits {
    // −log sigmoid(x) = softplus(−x): exact for large |x|, and with the right slope at 0.
    return sampleMean(
      labels * softplus(-predictions) + (1.0 - labels) * softplus(predictions), axis: axis)
  }
  predictions = clippedProbabilities(predictions)
  return sampleMean(
    -(labels * log(predictions) + (1.0 - labels) * log(1.0 - predictions)), axis: axis)
}

/// Probabilities within [1e-7, 1 − 1e-7], Keras's `epsilon`, so that logarithms are finite.
func clippedProbabilities(_ p: Tensor) -> Tensor { minimum(maximum(p, 1e-7), 1 - 1e-7) }

/// The cross-entropy of one choice among classes: `−Σ t·log p` over an axis, for labels that are rows of
/// probabilities (one-hot or soft).
///
/// Values of shape `[batch]` for labels and predictions `[batch, classes]`; for class numbers use
/// ``SparseCategoricalCrossentropy``. See ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: where all probabilities of a row are 0 each counts as 1e-7; the quotient of Keras is NaN there. Label smoothing
///   divides by the number of classes on `axis`; Keras 3 counts those on the last axis, also where `axis` is another one.
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.3; label smoothing: Szegedy et al.,
///   *Rethinking the Inception Architecture* (2016), §7; Keras, `losses.CategoricalCrossentropy`.
public struct CategoricalCrossentropy: Loss {
  /// Whether predictions are any numbers, with `p = softmax(yPred)`; else they are probabilities.
  public let fromLogits: Bool
  /// Moves labels towards the even distribution: `t·(1 − s) + s / classes`, with the classes of `axis` (Keras 3 counts those of the
  /// last axis).
  public let labelSmoothing: Double
  /// The axis of classes; negative from the end.
  public let axis: Int
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; predictions are probabilities by default.
  public init(
    fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.fromLogits = fromLogits
    self.labelSmoothing = labelSmoothing
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    categoricalCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing,
      axis: axis)
  }
}

/// The cross-entropy of labels and predictions `[batch, classes]`, `[batch]`; see ``CategoricalCrossentropy``.
public func categoricalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0,
  axis: Int = -1
) -> Tensor {
  let (labels, predictions) = paired(
    labels: yTrue, predictions: yPred, "categoricalCrossentropy")
  let logarithms = logProbabilities(predictions, fromLogits: fromLogits, axis: axis)
  return -sum(smoothed(labels, labelSmoothing, axis: axis) * logarithms, axis: axis)
}

/// Labels moved towards the even distribution over the classes of an axis.
func smoothed(_ labels: Tensor, _ smoothing: Double, axis: Int) -> Tensor {
  guard smoothing != 0, labels.rank > 0 else { return labels }
  return attempt {
    let classes = labels.shape[try labels.shape.axis(axis, "labelSmoothing")]
    return labels * (1 - smoothing) + smoothing / Double(Swift.max(classes, 1))
  }
}

/// The logarithms of class probabilities along an axis.
///
/// Probabilities are first divided by their sum and clipped to [1e-7, 1 − 1e-7], as in Keras. Where all are 0 each counts as 1e-7
/// (see ``CategoricalCrossentropy``).
func logProbabilities(_ yPred: Tensor, fromLogits: Bool, axis: Int = -1) -> Tensor {
  if fromLogits { return logSoftmax(yPred, axis: axis) }
  let total = sum(yPred, axis: axis, keepDims: true)
  return log(clippedProbabilities(yPred / select(total .== 0, 1, total)))
}

/// The cross-entropy of one choice among classes, `−log p[yTrue]`, for labels that are class numbers.
///
/// Values of shape `[batch]` for labels `[batch]` or `[batch, 1]` and predictions `[batch, classes]`; axes in between, such as time, stay.
/// A sample (or pixel, or step) with the label `ignoreClass`, which may be any number, has the value 0, no gradient, and does not count
/// in a mean. See ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: a label outside `0 ..< classes` is an error that names it, unless it is `ignoreClass`; in Keras such a sample has the
///   value 0. Where all probabilities of a row are 0 each counts as 1e-7; the quotient of Keras is NaN there.
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.2.2.3; Keras,
///   `losses.SparseCategoricalCrossentropy`.
public struct SparseCategoricalCrossentropy: Loss, TakesClassNumbers {
  /// Whether predictions are any numbers, with `p = softmax(yPred)`; else they are probabilities.
  public let fromLogits: Bool
  /// The label that says that there is none; nil if all count.
  public let ignoreClass: Int?
  /// The axis of classes in predictions; negative from the end.
  public let axis: Int
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; predictions are probabilities by default.
  public init(
    fromLogits: Bool = false, ignoreClass: Int? = nil, axis: Int = -1,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.fromLogits = fromLogits
    self.ignoreClass = ignoreClass
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`, or `[batch, time]` with a time axis; labels that are no class are an error.
  public func call(_ inputs: LabelsAndPredictions) -> MaskedValues {
    let values = sparseCategoricalCrossentropy(
      inputs.yTrue, inputs.yPred, fromLogits: fromLogits, ignoreClass: ignoreClass, axis: axis)
    return MaskedValues(
      values,
      mask: ignoreClass.map { reshape(inputs.yTrue .!= $0, values.shape) })
  }
}

/// The cross-entropy of class numbers `[batch]` and predictions `[batch, classes]`, `[batch]`; see
/// ``SparseCategoricalCrossentropy``.
public func sparseCategoricalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, ignoreClass: Int? = nil,
  axis: Int = -1
) -> Tensor {
  attempt {
    let operation = "sparseCategoricalCrossentropy"
    var predictions = floating(yPred)
    var labels = yTrue
    let classes = try predictions.shape.axis(axis, operation)
    if classes != predictions.rank - 1 {
      if labels.rank == predictions.rank, labels.shape[classes] == 1 {
        labels = squeeze(labels, axis: classes)
      }
      var order = Array(0..<predictions.rank)
      order.append(order.remove(at: classes))
      predictions = transpose(predictions, order)
    }
    guard let ignoreClass else {
      return crossEntropy(
        of: classNumbers(labels, for: predictions, operation), predictions, fromLogits: fromLogits)
    }
    let isClass = labels .!= ignoreClass
    labels = classNumbers(select(isClass, labels, 0), for: predictions, operation)
    let counts = reshape(isClass, labels.shape)
    // Whatever is predicted there, also NaN, reaches neither the value nor the gradient.
    predictions = select(expandDims(counts, axis: -1), predictions, 0)
    return select(counts, crossEntropy(of: labels, predictions, fromLogits: fromLogits), 0)
  }
}

/// `−log p[label]` for labels that have been checked.
private func crossEntropy(of labels: Tensor, _ predictions: Tensor, fromLogits: Bool) -> Tensor {
  if fromLogits { return sparseCrossEntropy(predictions, labels: labels) }
  return -takeAlong(logProbabilities(predictions, fromLogits: false), labels, axis: -1)
}
