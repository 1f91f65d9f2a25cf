import Tensors

/// The base of ``Precision`` and ``Recall``.
public class ThresholdShare: ThresholdMetric, LoggedByElement {
  /// A metric of all predictions, or of some.
  ///
  /// - Parameters:
  ///   - thresholds: numbers in [0, 1], for each of which there is a result: ½ by default, and none with `topK`. Others, and an empty
  ///     list, are an ``EngineError/invalidArgument(message:)``.
  ///   - topK: that only the `topK` largest predictions of the last axis can be positive; more than there are is an
  ///     ``EngineError/invalidArgument(message:)`` of `update`.
  ///   - classId: the only position of the last axis that is looked at, after `topK` was applied to all; one that does not exist is an
  ///     ``EngineError/invalidArgument(message:)`` of `update`.
  ///   - on: the part of labels and predictions; nil for all.
  ///   - name: the name in logs; nil for the type's.
  public init(
    thresholds: [Double]? = nil, topK: Int? = nil, classId: Int? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(given: thresholds, topK: topK, classId: classId, on: on, name: name)
  }
}

/// Which share of the positive predictions is right: `TP / (TP + FP)`, and 0 where there are none; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.Precision`.
public final class Precision: ThresholdShare, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.precision) }
}

/// Which share of the labels of 1 is predicted: `TP / (TP + FN)`, and 0 where there are none; see ``ThresholdMetric``.
///
/// - SeeAlso: Keras, `metrics.Recall`.
public final class Recall: ThresholdShare, MetricProtocol {
  /// float64: a scalar for one threshold, `[thresholds]` for several.
  public func result() -> Tensor { byThreshold(counts.recall) }
}
