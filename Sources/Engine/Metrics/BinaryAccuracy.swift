import Tensors

/// How often `yPred > threshold` agrees with labels of 0 and 1, element by element.
///
/// Labels and predictions have one shape; labels `[batch]` also fit predictions `[batch, 1]`.
///
/// - SeeAlso: Keras, `metrics.BinaryAccuracy`.
public final class BinaryAccuracy: MeanMetric, MetricProtocol {
  /// Predictions above it count as 1.
  public let threshold: Double

  /// The metric; the threshold is 0.5 by default (for logits it is 0).
  public init(threshold: Double = 0.5, on: StructurePath? = nil, name: String? = nil) {
    self.threshold = threshold
    super.init(on: on, name: name)
  }

  /// Counts a batch.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = matched(
      labels: inputs.yTrue, predictions: inputs.yPred, "binaryAccuracy")
    let decided = (predictions .> threshold).cast(to: labels.dtype)
    add(labels .== decided, sampleWeight: inputs.sampleWeight)
  }
}
