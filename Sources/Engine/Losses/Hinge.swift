import Tensors

/// The distance by which predictions fail to be on the right side of a margin: the mean over the last axis of
/// `max(1 − yTrue · yPred, 0)`.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`. Labels are -1 and 1; where all labels of a batch
/// are 0 or 1, 0 counts as -1, as in Keras. On several ranks that is asked of each rank's share of the batch, which
/// makes a difference only where labels mix 0, 1 and other numbers. See ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.Hinge`.
public struct Hinge: Loss {
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
  public func call(_ inputs: LabelsAndPredictions) -> Tensor { hinge(inputs.yTrue, inputs.yPred) }
}

/// The hinge loss, `[batch]` for labels and predictions `[batch, n]`; see ``Hinge``.
public func hinge(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  sampleMean(margins(yTrue, yPred, "hinge"))
}

/// The square of what ``Hinge`` is the mean of: the mean over the last axis of `max(1 − yTrue · yPred, 0)²`.
///
/// Values of shape `[batch]` for labels and predictions `[batch, n]`. Labels as for ``Hinge``, also on several ranks; see
/// ``LossOptions`` for the arguments.
///
/// - SeeAlso: Keras, `losses.SquaredHinge`.
public struct SquaredHinge: Loss {
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
    squaredHinge(inputs.yTrue, inputs.yPred)
  }
}

/// The squared hinge loss, `[batch]` for labels and predictions `[batch, n]`; see ``SquaredHinge``.
public func squaredHinge(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  sampleMean(square(margins(yTrue, yPred, "squaredHinge")))
}

/// `max(1 − t · yPred, 0)` with labels `t` of -1 and 1.
private func margins(_ yTrue: Tensor, _ yPred: Tensor, _ operation: String) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, operation)
  let isBinary = all(logicalOr(labels .== 0, labels .== 1))
  return maximum(1 - select(isBinary, labels * 2 - 1, labels) * predictions, 0)
}

/// The margin by which the right class is ahead of the others: `max(max((1 − yTrue) · yPred) − Σ yTrue · yPred + 1, 0)` over the last
/// axis, for labels that are one-hot rows.
///
/// Values of shape `[batch]` for labels and predictions `[batch, classes]`; see ``LossOptions`` for the arguments. The
/// largest is taken over all classes, with 0 in the place of the right one, as in Keras.
///
/// - SeeAlso: Keras, `losses.CategoricalHinge`.
public struct CategoricalHinge: Loss {
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
    categoricalHinge(inputs.yTrue, inputs.yPred)
  }
}

/// The hinge loss of one choice among classes, `[batch]` for labels and predictions `[batch, classes]`; see
/// ``CategoricalHinge``.
public func categoricalHinge(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, "categoricalHinge")
  let right = sum(labels * predictions, axis: -1)
  let wrong = max((1 - labels) * predictions, axis: -1)
  return maximum(wrong - right + 1, 0)
}
