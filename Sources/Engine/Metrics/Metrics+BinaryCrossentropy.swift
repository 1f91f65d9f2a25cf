import Tensors

extension Metrics {
  /// The mean of the loss `BinaryCrossentropy` over all data seen.
  ///
  /// - SeeAlso: Keras, `metrics.BinaryCrossentropy`.
  public final class BinaryCrossentropy: MeanMetric, MetricProtocol {
    /// Whether predictions are logits; else they are probabilities.
    public let fromLogits: Bool
    /// Moves labels towards an even distribution.
    public let labelSmoothing: Double

    /// The metric; predictions are probabilities by default.
    public init(
      fromLogits: Bool = false, labelSmoothing: Double = 0, on: StructurePath? = nil,
      name: String? = nil
    ) {
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      super.init(on: on, name: name)
    }

    /// Counts a batch.
    public func update(_ inputs: WeightedPredictions) {
      let values = binaryCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }
}
