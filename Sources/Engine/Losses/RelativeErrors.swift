import Tensors

/// The mean of differences in per cent of the label: `100 · mean(|yTrue − yPred| / max(|yTrue|, 1e-7))` over the last axis.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the arguments. A label of 0
/// counts as 1e-7, so that its error is large and finite.
///
/// - SeeAlso: Keras, `losses.MeanAbsolutePercentageError`.
public struct MeanAbsolutePercentageError: Loss {
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
    meanAbsolutePercentageError(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of differences in per cent of the label over the last axis, `[batch]` for labels and predictions `[batch, n]`; see
/// ``MeanAbsolutePercentageError``.
public func meanAbsolutePercentageError(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = paired(
    labels: yTrue, predictions: yPred, "meanAbsolutePercentageError")
  return sampleMean(abs((yTrue - yPred) / maximum(abs(yTrue), 1e-7))) * 100
}

/// The mean of squared differences of logarithms: `mean((log(1 + yTrue) − log(1 + yPred))²)` over the last axis.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`, both at least 0: what is less than 1e-7 counts as 1e-7,
/// as in Keras, and a prediction below it has no gradient. See ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.MeanSquaredLogarithmicError`.
public struct MeanSquaredLogarithmicError: Loss {
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
    meanSquaredLogarithmicError(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of squared differences of logarithms over the last axis, `[batch]` for labels and predictions `[batch, n]`; see
/// ``MeanSquaredLogarithmicError``.
public func meanSquaredLogarithmicError(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = paired(
    labels: yTrue, predictions: yPred, "meanSquaredLogarithmicError")
  return sampleMean(square(log1p(maximum(yPred, 1e-7)) - log1p(maximum(yTrue, 1e-7))))
}
