import Tensors

/// How numbers of classes become one.
public enum ClassAverage: Sendable {
  /// One score from the counts of all classes together.
  case micro
  /// The mean of the scores of classes.
  case macro
  /// The mean of the scores of classes, each weighted by its labels.
  case weighted
}

/// The harmonic mean of precision and recall, in which recall counts `beta` times as much:
/// `(1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP)`.
///
/// Labels (0 or 1, in one or several columns of a row) and predictions have shape `[batch, classes]`, or `[batch]` for one. Without a threshold the
/// largest prediction of a row is positive, as are those equal to it, unless it is 0; with one all that are larger than it. A row
/// with NaN has no positive predictions without a threshold. A class without labels and positive predictions has the score 0.
///
/// - Note: Departs from Keras: denominators are exact, so that perfect predictions score 1; Keras adds 1e-7 to them. Labels and predictions `[batch]`
///   count as one column; Keras refuses them.
/// - SeeAlso: van Rijsbergen, *Information Retrieval* (1979), chapter 7; Keras, `metrics.FBetaScore`.
public class FBetaScore: AnyMetric, MetricProtocol, FollowsWeighting, LoggedByElement {
  /// How the scores of classes become one; nil for one number a class.
  public let average: ClassAverage?
  /// How much recall counts.
  public let beta: Double
  /// Predictions larger than it are positive; nil for the largest of a row.
  public let threshold: Double?

  /// The score: by default F1 of every class. A `beta` that is not above 0, or a threshold outside of (0, 1], is an
  /// ``EngineError/invalidArgument(message:)``.
  public init(
    average: ClassAverage? = nil, beta: Double = 1, threshold: Double? = nil,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.average = average
    self.beta = beta
    self.threshold = threshold
    super.init(on: on, name: name ?? "fbeta_score")
    guard beta > 0, beta.isFinite else {
      fail(EngineError.argument("beta", of: self.name, must: "be above 0", found: "\(beta)"))
      return
    }
    guard let threshold, !(threshold > 0 && threshold <= 1) else { return }
    fail(
      EngineError.argument(
        "threshold", of: self.name, must: "be in (0, 1]", found: "\(threshold)"))
  }

  /// Counts labels and predictions of each class, weighted by weights `[batch]`.
  public func update(_ inputs: WeightedPredictions) {
    guard let (labels, predictions) = columns(inputs, name) else { return }
    guard predictions.rank == 2, predictions.shape[1] > 0 else {
      fail(
        EngineError.shape(
          operation: name,
          message: "predictions \(predictions.shape): they must have shape [batch, classes]"))
      return
    }
    let isPositive =
      if let threshold {
        predictions .> threshold
      } else {
        logicalAnd(
          predictions .>= max(predictions, axis: -1, keepDims: true), abs(predictions) .> 1e-9)
      }
    let (p, t) = (isPositive.cast(to: .float64), labels.cast(to: .float64))
    var parts = [p * t, p * (1 - t), (1 - p) * t]
    if let given = inputs.sampleWeight {
      let weights = spreadWeights(given, over: t)
      parts = parts.map { $0 * weights }
    }
    let counts = state("counts", shape: [3, predictions.shape[1]])
    counts.value = counts.value + stack(parts.map { sum($0, axis: 0) })
  }

  /// float64: `[classes]`, or a scalar with an average, and before the first update.
  public func result() -> Tensor {
    guard let counts = madeState("counts")?.value else { return .zero }
    let all = average == .micro ? sum(counts, axis: -1) : counts
    let (found, wrong, missed) = (all[0], all[1], all[2])
    let square = beta * beta
    let scores = ratio(
      found * (1 + square), found * (1 + square) + missed * square + wrong)
    switch average {
    case nil, .micro: return scores
    case .macro: return mean(scores)
    case .weighted: return ratio(sum(scores * (found + missed)), sum(found + missed))
    }
  }
}

/// Labels and predictions of one shape, those of rank 1 as one column; nil after a failure.
func columns(
  _ inputs: WeightedPredictions, _ operation: String
) -> (labels: Tensor, predictions: Tensor)? {
  let (labels, predictions) = paired(
    labels: inputs.yTrue, predictions: inputs.yPred, operation)
  if labels.isInvalid { return nil }
  guard labels.rank == 1 else { return (labels, predictions) }
  return (labels.expandDims(axis: 1), predictions.expandDims(axis: 1))
}

/// The harmonic mean of precision and recall: ``FBetaScore`` with a `beta` of 1.
///
/// - SeeAlso: Keras, `metrics.F1Score`.
public final class F1Score: FBetaScore {
  /// The score, by default of every class. A threshold outside of (0, 1] is an ``EngineError/invalidArgument(message:)``.
  public init(
    average: ClassAverage? = nil, threshold: Double? = nil, on: StructurePath? = nil,
    name: String? = nil
  ) {
    super.init(
      average: average, beta: 1, threshold: threshold, on: on, name: name ?? "f1_score")
  }
}
