import Tensors

/// How often the largest prediction is where the largest label is, along the last axis; of equals the first counts.
///
/// Labels (one-hot rows) and predictions (probabilities or logits) have shape `[batch, classes]`.
///
/// - SeeAlso: Keras, `metrics.CategoricalAccuracy`.
public final class CategoricalAccuracy: MeanMetric, MetricProtocol {
  /// Counts a batch.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = ranksMatched(
      labels: inputs.yTrue, predictions: inputs.yPred, "categoricalAccuracy")
    add(
      argmax(labels, axis: -1) .== argmax(predictions, axis: -1),
      sampleWeight: inputs.sampleWeight)
  }
}
