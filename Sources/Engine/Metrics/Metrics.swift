import Tensors

/// Metrics that share their name with a loss or an operation: `Metrics.MeanSquaredError()`.
public enum Metrics {}

extension Metrics {
  /// The mean of squared differences over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; labels `[batch]` also fit predictions `[batch, 1]`.
  ///
  /// - SeeAlso: Keras, `metrics.MeanSquaredError`.
  public final class MeanSquaredError: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(meanSquaredError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of absolute differences over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; labels `[batch]` also fit predictions `[batch, 1]`.
  ///
  /// - SeeAlso: Keras, `metrics.MeanAbsoluteError`.
  public final class MeanAbsoluteError: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(meanAbsoluteError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// What ``BinaryCrossentropy`` and ``CategoricalCrossentropy`` share.
  public class SmoothedCrossentropy: MeanMetric {
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
  }

  /// The mean of the loss `BinaryCrossentropy` over all data seen.
  ///
  /// - SeeAlso: Keras, `metrics.BinaryCrossentropy`.
  public final class BinaryCrossentropy: SmoothedCrossentropy, MetricProtocol {
    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      let values = binaryCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the loss `CategoricalCrossentropy` over all data seen.
  ///
  /// - SeeAlso: Keras, `metrics.CategoricalCrossentropy`.
  public final class CategoricalCrossentropy: SmoothedCrossentropy, MetricProtocol {
    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      let values = categoricalCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }

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

    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      let values = sparseCategoricalCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }
}

/// The square root of the mean of squared differences, over all data seen: not the mean of roots of batches.
///
/// - SeeAlso: Keras, `metrics.RootMeanSquaredError`.
public final class RootMeanSquaredError: MeanMetric, MetricProtocol {
  /// Adds the values of a batch, one an element or a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = paired(
      labels: inputs.yTrue, predictions: inputs.yPred, "rootMeanSquaredError")
    add(square((predictions - labels).cast(to: .float64)), sampleWeight: inputs.sampleWeight)
  }

  /// The root; a float64 scalar.
  public override func result() -> Tensor { sqrt(super.result()) }
}
