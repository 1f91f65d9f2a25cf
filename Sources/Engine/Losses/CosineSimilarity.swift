import Tensors

/// The negative cosine of the angle between labels and predictions: `−Σ n(yTrue) · n(yPred)` along an axis, with `n(v) = v / max(‖v‖, 1e-7)`.
///
/// From -1 (one direction) over 0 (a right angle, or a vector of zeros) to 1 (opposite directions). Values of shape `[batch]` for labels and
/// predictions `[batch, n]`. Where both have one axis only it is all of one vector, which gives one number; so it is in Keras. See
/// ``LossOptions`` for the other arguments.
///
/// - SeeAlso: Keras, `losses.CosineSimilarity`.
public struct CosineSimilarity: Loss {
  /// The axis along which vectors lie; negative from the end.
  public let axis: Int
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; vectors lie along the last axis by default.
  public init(
    axis: Int = -1, reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.axis = axis
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a vector, `[batch]`; labels of another shape than predictions are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    cosineSimilarity(inputs.yTrue, inputs.yPred, axis: axis)
  }
}

/// The negative cosine of labels and predictions, `[batch]` for both `[batch, n]`; see ``CosineSimilarity``.
public func cosineSimilarity(_ yTrue: Tensor, _ yPred: Tensor, axis: Int = -1) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, "cosineSimilarity")
  let cosine =
    normalize(labels, axes: [axis], epsilon: 1e-7)
    * normalize(predictions, axes: [axis], epsilon: 1e-7)
  return -sum(cosine, axis: axis)
}
