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
    /// The axis of classes, not the first.
    public let axis: Int

    /// The metric of classes along `axis`; predictions are probabilities by default.
    public init(
      fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1,
      on: StructurePath? = nil, name: String? = nil
    ) {
      self.axis = axis
      super.init(fromLogits: fromLogits, labelSmoothing: labelSmoothing, on: on, name: name)
    }

    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      guard isWithinSamples(axis, inputs.yPred, name) else { return }
      let values = categoricalCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits, labelSmoothing: labelSmoothing,
        axis: axis)
      add(values, sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the loss `SparseCategoricalCrossentropy` over all data seen.
  ///
  /// - Note: Departs from Keras: labels of `ignoreClass` have no weight; Keras without sample weights counts them as values of 0. Another label
  ///   outside `0 ..< classes` is an error that names it; in Keras such a sample has the value 0.
  /// - SeeAlso: Keras, `metrics.SparseCategoricalCrossentropy`.
  public final class SparseCategoricalCrossentropy: MeanMetric, MetricProtocol,
    TakesClassNumbers
  {
    /// Whether predictions are logits; else they are probabilities.
    public let fromLogits: Bool
    /// A label that does not count and need not be a class; nil for none.
    public let ignoreClass: Int?
    /// The axis of classes in predictions, not the first.
    public let axis: Int

    /// The metric of classes along `axis`; predictions are probabilities by default.
    public init(
      fromLogits: Bool = false, ignoreClass: Int? = nil, axis: Int = -1,
      on: StructurePath? = nil, name: String? = nil
    ) {
      self.fromLogits = fromLogits
      self.ignoreClass = ignoreClass
      self.axis = axis
      super.init(on: on, name: name)
    }

    /// Adds the values of a batch, one an element or a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      guard isWithinSamples(axis, inputs.yPred, name) else { return }
      let values = sparseCategoricalCrossentropy(
        inputs.yTrue, inputs.yPred, fromLogits: fromLogits, ignoreClass: ignoreClass, axis: axis)
      var weights = inputs.sampleWeight
      if let ignoreClass, !values.isInvalid {
        let counts = reshape(inputs.yTrue .!= ignoreClass, values.shape).cast(to: .float64)
        weights = weights.map { spreadWeights($0, over: counts) * counts } ?? counts
      }
      add(values, sampleWeight: weights)
    }
  }
}

/// Whether classes are along the last axis, or one that is not that of samples; fails otherwise.
private func isWithinSamples(_ axis: Int, _ predictions: Tensor, _ operation: String) -> Bool {
  axis == -1 || axisWithinSamples(axis, of: predictions, operation) != nil
}

/// The square root of the mean of squared differences, over all data seen: not the mean of roots of batches.
///
/// Squares are float64: their sum is exact where differences have some 20 bits, else its last bits can depend on the order of adding.
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
