import Tensors

/// The base of metrics that are the best of one share over thresholds where another share is large enough; 0 where it nowhere is.
///
/// Predictions are probabilities, compared with evenly spaced thresholds from 0 to 1: 0 itself is above none of them.
public class ThresholdSearch: ThresholdMetric {
  /// How large the other share must be.
  let bound: Double

  /// `numThresholds` from 0 to 1, for 1 it is ½; fewer, or a bound outside of [0, 1], are an error.
  init(
    _ bound: Double, _ label: ErrorText, numThresholds: Int, classId: Int?, on: StructurePath?,
    name: String?
  ) {
    self.bound = bound
    let thresholds = Thresholds(evenly: Swift.max(numThresholds, 1), hasMargins: false)
    super.init(thresholds, classId: classId, on: on, name: name)
    guard (0...1).contains(bound) else {
      fail(EngineError.argument(label, of: self.name, must: "be in [0, 1]", found: "\(bound)"))
      return
    }
    guard numThresholds > 0 else {
      fail(
        EngineError.argument(
          "numThresholds", of: self.name, must: "be 1 or more", found: "\(numThresholds)"))
      return
    }
  }

  /// The largest of `values` where `constraint` reaches the bound.
  func best(of values: Tensor, where constraint: Tensor) -> Tensor {
    max(select(constraint .>= bound, values, 0))
  }
}

/// The best sensitivity (recall, `TP / (TP + FN)`) at thresholds where specificity (`TN / (TN + FP)`) is `specificity` or more, and 0 where
/// there are none; see ``ThresholdMetric`` and ``ThresholdSearch``.
///
/// - SeeAlso: Keras, `metrics.SensitivityAtSpecificity`.
public final class SensitivityAtSpecificity: ThresholdSearch, MetricProtocol {
  /// The metric for a `specificity` in [0, 1] and `numThresholds` thresholds, 200 by default; `classId` is the only position of the last
  /// axis that is looked at, nil for all. Other numbers are an ``EngineError/invalidArgument(message:)``.
  public init(
    _ specificity: Double, numThresholds: Int = 200, classId: Int? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(
      specificity, "specificity", numThresholds: numThresholds, classId: classId, on: on, name: name
    )
  }

  /// A float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    return best(of: counts.recall, where: counts.specificity)
  }
}

/// The best specificity (`TN / (TN + FP)`) at thresholds where sensitivity (recall, `TP / (TP + FN)`) is `sensitivity` or more, and 0 where
/// there are none; see ``ThresholdMetric`` and ``ThresholdSearch``.
///
/// - SeeAlso: Keras, `metrics.SpecificityAtSensitivity`.
public final class SpecificityAtSensitivity: ThresholdSearch, MetricProtocol {
  /// The metric for a `sensitivity` in [0, 1] and `numThresholds` thresholds, 200 by default; `classId` is the only position of the last
  /// axis that is looked at, nil for all. Other numbers are an ``EngineError/invalidArgument(message:)``.
  public init(
    _ sensitivity: Double, numThresholds: Int = 200, classId: Int? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(
      sensitivity, "sensitivity", numThresholds: numThresholds, classId: classId, on: on, name: name
    )
  }

  /// A float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    return best(of: counts.specificity, where: counts.recall)
  }
}

/// The best precision (`TP / (TP + FP)`) at thresholds where recall (`TP / (TP + FN)`) is `recall` or more, and 0 where
/// there are none; see ``ThresholdMetric`` and ``ThresholdSearch``.
///
/// - SeeAlso: Keras, `metrics.PrecisionAtRecall`.
public final class PrecisionAtRecall: ThresholdSearch, MetricProtocol {
  /// The metric for a `recall` in [0, 1] and `numThresholds` thresholds, 200 by default; `classId` is the only position of the last
  /// axis that is looked at, nil for all. Other numbers are an ``EngineError/invalidArgument(message:)``.
  public init(
    _ recall: Double, numThresholds: Int = 200, classId: Int? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(
      recall, "recall", numThresholds: numThresholds, classId: classId, on: on, name: name)
  }

  /// A float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    return best(of: counts.precision, where: counts.recall)
  }
}

/// The best recall (`TP / (TP + FN)`) at thresholds where precision (`TP / (TP + FP)`) is `precision` or more, and 0 where
/// there are none; see ``ThresholdMetric`` and ``ThresholdSearch``.
///
/// - SeeAlso: Keras, `metrics.RecallAtPrecision`.
public final class RecallAtPrecision: ThresholdSearch, MetricProtocol {
  /// The metric for a `precision` in [0, 1] and `numThresholds` thresholds, 200 by default; `classId` is the only position of the last
  /// axis that is looked at, nil for all. Other numbers are an ``EngineError/invalidArgument(message:)``.
  public init(
    _ precision: Double, numThresholds: Int = 200, classId: Int? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(
      precision, "precision", numThresholds: numThresholds, classId: classId, on: on, name: name)
  }

  /// A float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    return best(of: counts.recall, where: counts.precision)
  }
}
