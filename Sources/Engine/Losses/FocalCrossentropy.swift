import Tensors

/// The cross-entropy of independent yes-or-no questions in which what is answered well already counts little:
/// `(1 − q)^γ · −log q`, averaged over an axis, where `q` is the probability of the right answer.
///
/// For soft labels `t` the two factors are `(1 − t·p − (1 − t)·(1 − p))^γ` and the ``BinaryCrossentropy``, as in Keras. With
/// `applyClassBalancing` each is multiplied by `t·α + (1 − t)·(1 − α)`: with the default α = 0.25, a yes counts a third of a no.
///
/// Values of shape `[batch]` for labels (0 or 1, or in between) and predictions `[batch, n]`; see ``LossOptions``
/// for the other arguments.
///
/// - Note: Departs from Keras: from logits nothing is clipped, so that also what is very wrong has a gradient; Keras clips probabilities there too.
/// - SeeAlso: Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection* (2017), §3; Keras,
///   `losses.BinaryFocalCrossentropy`.
public struct BinaryFocalCrossentropy: Loss {
  /// Whether the two classes are weighted by `alpha`.
  public let applyClassBalancing: Bool
  /// The weight of class 1; that of class 0 is `1 − alpha`.
  public let alpha: Double
  /// How little well answered questions count, at least 0; with 0 this is the cross-entropy.
  public let gamma: Double
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
    applyClassBalancing: Bool = false, alpha: Double = 0.25, gamma: Double = 2,
    fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1,
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.applyClassBalancing = applyClassBalancing
    self.alpha = alpha
    self.gamma = gamma
    self.fromLogits = fromLogits
    self.labelSmoothing = labelSmoothing
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    binaryFocalCrossentropy(
      inputs.yTrue, inputs.yPred, applyClassBalancing: applyClassBalancing, alpha: alpha,
      gamma: gamma, fromLogits: fromLogits, labelSmoothing: labelSmoothing, axis: axis)
  }
}

/// The focal cross-entropy, `[batch]` for labels and predictions `[batch, n]`; see ``BinaryFocalCrossentropy``.
public func binaryFocalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, applyClassBalancing: Bool = false, alpha: Double = 0.25,
  gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1
) -> Tensor {
  var (labels, predictions) = paired(
    labels: yTrue, predictions: yPred, "binaryFocalCrossentropy")
  if labelSmoothing != 0 { labels = labels * (1 - labelSmoothing) + 0.5 * labelSmoothing }
  let others = 1 - labels
  let entropy: Tensor
  let missing: Tensor
  if fromLogits {
    entropy = labels * softplus(-predictions) + others * softplus(predictions)
    missing = labels * sigmoid(-predictions) + others * sigmoid(predictions)
  } else {
    let clipped = clippedProbabilities(predictions)
    entropy = -(labels * log(clipped) + others * log(1 - clipped))
    missing = labels * (1 - predictions) + others * predictions
  }
  var values = focalFactor(missing, gamma) * entropy
  if applyClassBalancing { values = (labels * alpha + others * (1 - alpha)) * values }
  return sampleMean(values, axis: axis)
}

/// The cross-entropy of one choice among classes in which what is answered well already counts little:
/// `Σ α · (1 − p)^γ · −t · log p` over an axis, for labels that are rows of probabilities (one-hot or soft).
///
/// Values of shape `[batch]` for labels and predictions `[batch, classes]`; see ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: from logits nothing is clipped, so that also what is very wrong has a gradient; Keras clips probabilities there too.
///   Where all probabilities of a row are 0 each counts as 1e-7; the quotient of Keras is NaN there. Label smoothing divides by the number of classes
///   on `axis`; Keras 3 counts those on the last axis, also where `axis` is another one.
/// - SeeAlso: Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection* (2017), §3; Keras,
///   `losses.CategoricalFocalCrossentropy`.
public struct CategoricalFocalCrossentropy: Loss {
  /// What all classes are multiplied by.
  public let alpha: Double
  /// How little well answered questions count, at least 0; with 0 this is `alpha` times the cross-entropy.
  public let gamma: Double
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
    alpha: Double = 0.25, gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0,
    axis: Int = -1, reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.alpha = alpha
    self.gamma = gamma
    self.fromLogits = fromLogits
    self.labelSmoothing = labelSmoothing
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    categoricalFocalCrossentropy(
      inputs.yTrue, inputs.yPred, alpha: alpha, gamma: gamma, fromLogits: fromLogits,
      labelSmoothing: labelSmoothing, axis: axis)
  }
}

/// The focal cross-entropy of labels and predictions `[batch, classes]`, `[batch]`; see ``CategoricalFocalCrossentropy``.
public func categoricalFocalCrossentropy(
  _ yTrue: Tensor, _ yPred: Tensor, alpha: Double = 0.25, gamma: Double = 2,
  fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1
) -> Tensor {
  let (given, predictions) = paired(
    labels: yTrue, predictions: yPred, "categoricalFocalCrossentropy")
  let labels = smoothed(given, labelSmoothing, axis: axis)
  let logarithms = logProbabilities(predictions, fromLogits: fromLogits, axis: axis)
  // 1 − p from the logarithm of p, to the last digit.
  let factor = focalFactor(-expm1(logarithms), gamma)
  return -sum(factor * labels * logarithms, axis: axis) * alpha
}

/// `missing^γ` with finite slopes at 0, also for exponents below 1: there, less than 1e-7 counts as 1e-7.
private func focalFactor(_ missing: Tensor, _ gamma: Double) -> Tensor {
  switch gamma {
  case 0: missing * 0 + 1
  case 1...: pow(missing, gamma)
  default: pow(maximum(missing, 1e-7), gamma)
  }
}
