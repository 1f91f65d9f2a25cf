import Tensors

/// Squared for small errors, linear for large ones, and smooth in between: the mean over the last axis of
/// `log cosh(yPred − yTrue)`.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`; see ``LossOptions`` for the arguments. Near
/// `½e²` for small errors `e`, near `|e| − log 2` for large ones.
///
/// - SeeAlso: Keras, `losses.LogCosh`.
public struct LogCosh: Loss {
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
    logCosh(inputs.yTrue, inputs.yPred)
  }
}

/// The mean of `log cosh(yPred − yTrue)` over the last axis, `[batch]` for labels and predictions `[batch, n]`; see ``LogCosh``.
public func logCosh(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (yTrue, yPred) = paired(labels: yTrue, predictions: yPred, "logCosh")
  let error = yPred - yTrue
  // log cosh e = e + log(1 + e^(−2e)) − log 2: nothing overflows, and the slope is tanh e.
  return sampleMean(error + softplus(error * -2) - 0.6931471805599453)
}
