import Tensors

extension Metrics {
  /// The mean of the loss `SparseCategoricalCrossentropy` over all data seen.
  ///
  /// - SeeAlso: Keras, `metrics.SparseCategoricalCrossentropy`.
  public final class SparseCategoricalCrossentropy: MeanMetric, MetricProtocol,
    TakesClassNumbers
  {
    /// Whether predictions are logits; else they are probabilities.
    public let fromLogits: Bool

    /// The metric; predictions are probabilities by default.
    public init(fromLogits: Bool = false, on: StructurePath? = nil, name: String? = nil) {
      self.fromLogits = fromLogits
      super.init(on: on, name: name)
    }

    /// Counts a batch.
    public func update(_ inputs: WeightedPredictions) {
      let values = sparseCategoricalCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }
}
