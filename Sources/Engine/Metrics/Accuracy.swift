import Tensors

/// How often predictions equal labels exactly, element by element, both of one shape.
///
/// For probabilities or logits of classes use ``BinaryAccuracy``, ``CategoricalAccuracy`` or
/// ``SparseCategoricalAccuracy``.
///
/// - SeeAlso: Keras, `metrics.Accuracy`.
public final class Accuracy: MeanMetric, MetricProtocol {
  /// Counts a batch.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = ranksMatched(
      labels: inputs.yTrue, predictions: inputs.yPred, "accuracy")
    add(labels .== predictions, sampleWeight: inputs.sampleWeight)
  }
}
