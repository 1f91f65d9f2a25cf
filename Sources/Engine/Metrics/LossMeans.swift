import Tensors

extension Metrics {
  /// The mean of absolute differences as a percentage of the labels, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``meanAbsolutePercentageError(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.MeanAbsolutePercentageError`.
  public final class MeanAbsolutePercentageError: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(
        meanAbsolutePercentageError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of squared differences of logarithms, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``meanSquaredLogarithmicError(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.MeanSquaredLogarithmicError`.
  public final class MeanSquaredLogarithmicError: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(
        meanSquaredLogarithmicError(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the Poisson loss, `p − t·log p`, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``poisson(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.Poisson`.
  public final class Poisson: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(poisson(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the divergence of Kullback and Leibler, `Σ t·log(t / p)`, of labels from predictions, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``klDivergence(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.KLDivergence`.
  public final class KLDivergence: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(klDivergence(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the hinge loss, `max(1 − t·p, 0)`, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``hinge(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.Hinge`.
  public final class Hinge: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(hinge(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the squared hinge loss, `max(1 − t·p, 0)²`, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``squaredHinge(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.SquaredHinge`.
  public final class SquaredHinge: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(squaredHinge(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean of the categorical hinge loss, `max(1 + max((1 − t)·p) − Σ t·p, 0)`, over all data seen.
  ///
  /// Labels and predictions have shape `[batch, n]`; see ``categoricalHinge(_:_:)``, whose values are added, one a sample.
  ///
  /// - SeeAlso: Keras, `metrics.CategoricalHinge`.
  public final class CategoricalHinge: MeanMetric, MetricProtocol {
    /// Adds the values of a batch, one a sample, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      add(categoricalHinge(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
    }
  }

  /// The mean cosine of the angle between labels and predictions, over all data seen: 1 for one direction, −1 for opposite ones, so
  /// the larger the better. The loss of this name is its negative.
  ///
  /// Labels and predictions have shape `[batch, n]`, or more axes, one of which is ``axis``. Vectors of zeros count as 0.
  ///
  /// - SeeAlso: Keras, `metrics.CosineSimilarity`.
  public final class CosineSimilarity: MeanMetric, MetricProtocol {
    /// The axis of a vector, not the first.
    public let axis: Int

    /// The metric along `axis`, by default the last; the first, that of samples, or one that does not exist, is an
    /// ``EngineError/shape(operation:message:)`` of `update`.
    public init(axis: Int = -1, on: StructurePath? = nil, name: String? = nil) {
      self.axis = axis
      super.init(on: on, name: name)
    }

    /// Adds the values of a batch, one a vector, to total and count.
    public func update(_ inputs: WeightedPredictions) {
      guard let axis = axisWithinSamples(axis, of: inputs.yPred, name) else { return }
      let values = cosineSimilarity(inputs.yTrue, inputs.yPred, axis: axis)
      add(-values, sampleWeight: inputs.sampleWeight)
    }
  }
}

/// The mean of `log cosh(p − t)`, over all data seen; named `logcosh`, as in Keras.
///
/// Labels and predictions have shape `[batch, n]`; see ``logCosh(_:_:)``, whose values are added, one a sample.
///
/// - SeeAlso: Keras, `metrics.LogCoshError`.
public final class LogCoshError: MeanMetric, MetricProtocol {
  /// The metric.
  public override init(on: StructurePath? = nil, name: String? = nil) {
    super.init(on: on, name: name ?? "logcosh")
  }

  /// Adds the values of a batch, one a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(logCosh(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
  }
}
