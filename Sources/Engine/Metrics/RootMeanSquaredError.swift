import Tensors

/// The square root of the mean of squared differences, over all data seen: not the mean of roots of batches.
///
/// - SeeAlso: Keras, `metrics.RootMeanSquaredError`.
public final class RootMeanSquaredError: MeanMetric, MetricProtocol {
  /// Counts a batch.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = matched(
      labels: inputs.yTrue, predictions: inputs.yPred, "rootMeanSquaredError")
    add(square((predictions - labels).cast(to: .float64)), sampleWeight: inputs.sampleWeight)
  }

  /// The root; a float64 scalar.
  public override func result() -> Tensor { sqrt(super.result()) }
}
