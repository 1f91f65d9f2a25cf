import Tensors

/// How far predicted distributions are from the right ones: `Σ t · log(t / p)` over the last axis, for labels `t` and predictions `p`
/// that are rows of probabilities.
///
/// Values of shape `[batch]` for labels and predictions `[batch, classes]`, both clipped to [1e-7, 1] as in Keras: a probability
/// of 0 gives a finite value. See ``LossOptions`` for the arguments.
///
/// - SeeAlso: Kullback, Leibler, *On Information and Sufficiency* (1951); Keras, `losses.KLDivergence`.
public struct KLDivergence: Loss {
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// A loss that is logged under `name`, or its type's; see ``LossOptions`` for the arguments.
  public init(
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    klDivergence(inputs.yTrue, inputs.yPred)
  }
}

/// The divergence of predictions from labels, `[batch]` for both `[batch, classes]`; see ``KLDivergence``.
public func klDivergence(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  var (labels, predictions) = paired(labels: yTrue, predictions: yPred, "klDivergence")
  labels = minimum(maximum(labels, 1e-7), 1)
  predictions = minimum(maximum(predictions, 1e-7), 1)
  return sum(labels * log(labels / predictions), axis: -1)
}

/// The negative logarithm of the likelihood of counts, but for what depends on the labels alone: the mean over the last axis of
/// `yPred − yTrue · log(yPred + 1e-7)`.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`. Predictions are the expected counts, at least 0 (after
/// `softplus` or `exp`): below -1e-7 the logarithm is NaN, as in Keras. See ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.Poisson`.
public struct Poisson: Loss {
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// A loss that is logged under `name`, or its type's; see ``LossOptions`` for the arguments.
  public init(
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor { poisson(inputs.yTrue, inputs.yPred) }
}

/// Poisson's loss, `[batch]` for labels and predictions `[batch, n]`; see ``Poisson``.
public func poisson(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, "poisson")
  return sampleMean(predictions - labels * log(predictions + 1e-7))
}
