import Tensors

/// The mean of absolute differences: `mean(|yTrue − yPred|)` over the last axis.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.MeanAbsoluteError`.
public struct MeanAbsoluteError: Loss {
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss.
  public init(
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    meanAbsoluteError(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of absolute differences over the last axis, `[batch]` for labels and predictions `[batch, n]`.
public func meanAbsoluteError(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = matched(labels: yTrue, predictions: yPred, "meanAbsoluteError")
  return sampleMean(abs(yPred - yTrue))
}
