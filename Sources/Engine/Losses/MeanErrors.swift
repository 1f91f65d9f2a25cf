import Tensors

/// The mean of squared differences: `mean((yTrue − yPred)²)` over the last axis.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.MeanSquaredError`.
public struct MeanSquaredError: Loss {
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
    meanSquaredError(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of squared differences over the last axis, `[batch]` for labels and predictions `[batch, n]`.
public func meanSquaredError(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = paired(labels: yTrue, predictions: yPred, "meanSquaredError")
  return sampleMean(square(yPred - yTrue))
}

/// The mean of absolute differences: `mean(|yTrue − yPred|)` over the last axis.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.MeanAbsoluteError`.
public struct MeanAbsoluteError: Loss {
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
    meanAbsoluteError(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of absolute differences over the last axis, `[batch]` for labels and predictions `[batch, n]`.
public func meanAbsoluteError(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = paired(labels: yTrue, predictions: yPred, "meanAbsoluteError")
  return sampleMean(abs(yPred - yTrue))
}

/// Squared for small errors, linear for large ones: the mean over the last axis of `½e²` where `|e| ≤ delta` and of
/// `delta·|e| − ½delta²` elsewhere, with `e = yPred − yTrue`.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Huber, *Robust Estimation of a Location Parameter* (1964), §3; Keras, `losses.Huber`.
public struct Huber: Loss {
  /// Where the loss turns from squared to linear.
  public let delta: Double
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; `delta` is 1 by default.
  public init(
    delta: Double = 1, reduction: Reduction = .auto, weight: Double = 1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.delta = delta
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    huber(inputs.yTrue, inputs.yPred, delta: delta)
  }
}

/// Huber's loss, `[batch]` for labels and predictions `[batch, n]`; see ``Huber``.
public func huber(_ yTrue: Tensor, _ yPred: Tensor, delta: Double = 1) -> Tensor {
  let (yTrue, yPred) = paired(labels: yTrue, predictions: yPred, "huber")
  let error = abs(yPred - yTrue)
  // With q = min(|e|, delta) both branches are q·(|e| − ½q): no branch, and one slope where they meet.
  let inner = minimum(error, delta)
  return sampleMean(inner * (error - inner * 0.5))
}
