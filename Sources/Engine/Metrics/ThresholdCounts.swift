import Tensors

/// The base of metrics that are one of the four counts of ``ThresholdMetric``.
public class ThresholdCount: ThresholdMetric, LoggedByElement {
  /// The count at `thresholds`, numbers in [0, 1]: ½ by default. Others, and none, are an ``EngineError/invalidArgument(message:)``.
  public init(thresholds: [Double]? = nil, on: StructurePath? = nil, name: String? = nil) {
    super.init(given: thresholds, on: on, name: name)
  }
}

/// How many labels of 1 whose prediction is above a threshold, or the sum of their weights; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.TruePositives`.
public final class TruePositives: ThresholdCount, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.truePositives) }
}

/// How many labels of 0 whose prediction is not above a threshold, or the sum of their weights; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.TrueNegatives`.
public final class TrueNegatives: ThresholdCount, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.trueNegatives) }
}

/// How many labels of 0 whose prediction is above a threshold, or the sum of their weights; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.FalsePositives`.
public final class FalsePositives: ThresholdCount, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.falsePositives) }
}

/// How many labels of 1 whose prediction is not above a threshold, or the sum of their weights; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.FalseNegatives`.
public final class FalseNegatives: ThresholdCount, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.falseNegatives) }
}
