import Tensors

extension Metrics {
  /// The mean of squared differences over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; labels `[batch]` also fit predictions `[batch, 1]`.
  ///
  /// - SeeAlso: Keras, `metrics.MeanSquaredError`.
  public final class MeanSquaredError: MeanMetric, MetricProtocol {
    /// Counts a batch.
    public func update(_ inputs: WeightedPredictions) {
      add(meanSquaredError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }
}
