import Tensors

/// Labels and predictions in one rank and in the predictions' floating-point type.
///
/// After ``sameRank(labels:predictions:)`` shapes must be equal: NumPy's rule would silently compare every label `[batch]` with
/// every column of `[batch, batch]`, and the class number of `[batch, 1]` with the probability of each class.
///
/// A mismatch fails with ``EngineError/shape(operation:message:)``.
func paired(
  labels yTrue: Tensor, predictions yPred: Tensor, _ operation: String
) -> (yTrue: Tensor, yPred: Tensor) {
  let yPred = floating(yPred)
  return pairedInOwnTypes(labels: yTrue.cast(to: yPred.dtype), predictions: yPred, operation)
}

/// As ``paired(labels:predictions:_:)``, each in its own type: integers are compared without rounding.
func pairedInOwnTypes(
  labels yTrue: Tensor, predictions yPred: Tensor, _ operation: String
) -> (yTrue: Tensor, yPred: Tensor) {
  let (labels, predictions) = sameRank(labels: yTrue, predictions: yPred)
  guard labels.shape == predictions.shape else {
    let failed = fail(
      EngineError.shape(
        operation: operation,
        message: "labels \(yTrue.shape) do not fit predictions \(yPred.shape): both must have one "
          + "shape"
          + (labels.rank + 1 == predictions.rank || labels.shape.last == 1
            ? "; for class numbers use the loss or metric that begins with Sparse" : "")))
    return (failed, failed)
  }
  return (labels, predictions)
}

/// The mean over an axis, mostly the last: one value a sample.
///
/// Labels and predictions of rank 1 are one number a sample and stay (see ``Loss``).
func sampleMean(_ values: Tensor, axis: Int = -1) -> Tensor {
  values.rank <= 1 ? values : mean(values, axis: axis)
}

/// Class numbers as the indices of an axis: `[batch]` for predictions `[batch, classes]`, also from `[batch, 1]`.
///
/// A number outside `0 ..< classes`, a fraction or NaN fails with ``EngineError/index(operation:message:)`` when the
/// operation runs; another shape with ``EngineError/shape(operation:message:)``.
func classNumbers(
  _ yTrue: Tensor, for yPred: Tensor, _ operation: String
) -> Tensor {
  var labels = yTrue
  if labels.rank == yPred.rank, labels.shape.last == 1 { labels = squeeze(labels, axis: -1) }
  guard yPred.rank >= 1, labels.shape.dimensions == Array(yPred.shape.dimensions.dropLast()) else {
    return fail(
      EngineError.shape(
        operation: operation,
        message: "class numbers \(yTrue.shape) do not fit predictions \(yPred.shape): give one "
          + "number for every row, \(Shape(Array(yPred.shape.dimensions.dropLast())))"
          + (yTrue.shape == yPred.shape
            ? "; for one-hot rows use the loss or metric without Sparse" : "")))
  }
  return wholeNumbers(labels, below: yPred.shape[-1], operation)
}
