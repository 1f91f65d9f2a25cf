import Tensors

/// How often the largest prediction is that of the right class; of equals the first counts.
///
/// Labels are class numbers `[batch]` or `[batch, 1]`, predictions (probabilities or logits) `[batch, classes]`; a time
/// axis in between stays. A label outside `0 ..< classes` is an error that names it.
///
/// - SeeAlso: Keras, `metrics.SparseCategoricalAccuracy`.
public final class SparseCategoricalAccuracy: MeanMetric, MetricProtocol, TakesClassNumbers {
  /// Counts a batch.
  public func update(_ inputs: WeightedPredictions) {
    let labels = classNumbers(inputs.yTrue, for: inputs.yPred, "sparseCategoricalAccuracy")
    add(labels .== argmax(inputs.yPred, axis: -1), sampleWeight: inputs.sampleWeight)
  }
}
