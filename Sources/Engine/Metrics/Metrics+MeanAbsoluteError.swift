import Tensors

extension Metrics {
  /// The mean of absolute differences over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; labels `[batch]` also fit predictions `[batch, 1]`.
  ///
  /// - SeeAlso: Keras, `metrics.MeanAbsoluteError`.
  public final class MeanAbsoluteError: MeanMetric, MetricProtocol {
    /// Counts a batch.
    public func update(_ inputs: WeightedPredictions) {
      add(meanAbsoluteError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }
}
