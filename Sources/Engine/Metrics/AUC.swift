import Tensors

/// The area under a curve that predictions draw as the threshold rises from below 0 to above 1, approximated by the points of
/// some thresholds.
///
/// Predictions are probabilities; see ``ThresholdMetric``. The more thresholds, and the more evenly predictions are spread
/// over them, the closer to the true area. It is 0 where the curve has no points: without labels of 1, and with
/// ``Curve/roc`` without labels of 0.
///
/// - SeeAlso: Keras, `metrics.AUC`; for precision and recall Davis, Goadrich, *The Relationship Between Precision-Recall and ROC
///   Curves* (2006), §3; for their gain Flach, Kull, *Precision-Recall-Gain Curves* (2015).
public final class AUC: ThresholdMetric, MetricProtocol {
  /// Which curve.
  public enum Curve: Sendable {
    /// Recall (true positive rate) over the false positive rate, `FP / (FP + TN)`.
    case roc
    /// Precision over recall.
    case pr
    /// The gain of precision over that of recall: both relative to predicting 1 always.
    case prGain
  }

  /// How the area between two points is found.
  public enum SummationMethod: Sendable {
    /// By the mean of their heights; for ``Curve/pr`` by counts that change linearly between them.
    case interpolation
    /// By the larger height: a bound from above.
    case majoring
    /// By the smaller height: a bound from below.
    case minoring
  }

  /// The curve.
  public let curve: Curve
  /// How the area between two points is found.
  public let summationMethod: SummationMethod
  /// Whether the result is a mean over the areas of each position of the last axis, not one area.
  public let multiLabel: Bool
  /// How many labels there must be; nil for any number.
  public let numLabels: Int?
  /// The weight of each label; nil for equal ones.
  public let labelWeights: [Double]?
  /// Whether predictions are logits.
  public let fromLogits: Bool

  /// The area under `curve`, from `numThresholds` evenly spaced thresholds unless `thresholds` are given.
  ///
  /// - Parameters:
  ///   - numThresholds: 2 or more; the first lies a little below 0, the last a little above 1.
  ///   - curve: which curve.
  ///   - summationMethod: how the area between two points is found.
  ///   - thresholds: numbers in [0, 1], in any order, in the place of `numThresholds`; one below 0 and one above 1 are added.
  ///   - multiLabel: whether each position of the last axis of predictions `[batch, labels]` has an area of its own, and the result
  ///     is their mean; else all predictions draw one curve.
  ///   - numLabels: how many labels there must be, with `multiLabel` only.
  ///   - labelWeights: the weight of each label: of its area in the mean with `multiLabel`, else of its predictions.
  ///   - fromLogits: whether predictions are any numbers, with the probability `sigmoid(yPred)`.
  ///   - on: the part of labels and predictions; nil for all.
  ///   - name: the name in logs; nil for the type's.
  ///
  /// Other numbers are an ``EngineError/invalidArgument(message:)``.
  public init(
    numThresholds: Int = 200, curve: Curve = .roc,
    summationMethod: SummationMethod = .interpolation, thresholds: [Double]? = nil,
    multiLabel: Bool = false, numLabels: Int? = nil, labelWeights: [Double]? = nil,
    fromLogits: Bool = false, on: StructurePath? = nil, name: String? = nil
  ) {
    self.curve = curve
    self.summationMethod = summationMethod
    self.multiLabel = multiLabel
    self.numLabels = numLabels
    self.labelWeights = labelWeights
    self.fromLogits = fromLogits
    let isValid = thresholds?.allSatisfy { (0...1).contains($0) } ?? true
    let ladder =
      thresholds.map { Thresholds(between: isValid ? $0 : []) }
      ?? Thresholds(evenly: Swift.max(numThresholds, 2), hasMargins: true)
    super.init(ladder, on: on, name: name)
    if !isValid {
      refuse("thresholds", must: "be numbers in [0, 1]", found: "\(thresholds ?? [])")
    } else if thresholds == nil, numThresholds < 2 {
      refuse("numThresholds", must: "be 2 or more", found: "\(numThresholds)")
    } else if let numLabels, !multiLabel || numLabels < 1 {
      refuse(
        "numLabels", must: "be 1 or more, and given with multiLabel: true only",
        found: "\(numLabels)")
    } else if let labelWeights, let numLabels, labelWeights.count != numLabels {
      refuse(
        "labelWeights", must: "have one number for each of \(numLabels) labels",
        found: "\(labelWeights.count)")
    }
  }

  private func refuse(_ argument: ErrorText, must rule: ErrorText, found: ErrorText) {
    fail(EngineError.argument(argument, of: name, must: rule, found: found))
  }

  override var separatesLabels: Bool { multiLabel }

  override var weightsOfLabels: [Double]? { labelWeights }

  override func scores(_ predictions: Tensor) -> Tensor {
    guard !multiLabel || predictions.rank == 2,
      numLabels == nil || predictions.shape[-1] == numLabels
    else {
      return fail(
        EngineError.shape(
          operation: name,
          message: "predictions \(predictions.shape): with multiLabel they must have shape [batch, "
            + (numLabels.map { "\($0)" } ?? "labels") + "]"))
    }
    return fromLogits ? sigmoid(predictions) : predictions
  }

  /// The area, or the mean of those of all labels; a float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    let areas =
      curve == .pr && summationMethod == .interpolation
      ? interpolatedPrecision(counts) : riemannSum(counts)
    guard multiLabel else { return areas }
    guard let labelWeights, areas.elementCount == labelWeights.count else { return mean(areas) }
    let weights = Tensor(labelWeights, dtype: .float64)
    return ratio(sum(areas * weights), sum(weights))
  }

  /// `Σ (x[i] − x[i + 1]) · height`.
  private func riemannSum(_ counts: ConfusionCounts) -> Tensor {
    let (x, y) = points(counts)
    let heights =
      switch summationMethod {
      case .interpolation: (left(y) + right(y)) / 2
      case .minoring: minimum(left(y), right(y))
      case .majoring: maximum(left(y), right(y))
      }
    return sum((left(x) - right(x)) * heights, axis: -1)
  }

  private func points(_ counts: ConfusionCounts) -> (x: Tensor, y: Tensor) {
    switch curve {
    case .roc:
      return (
        ratio(counts.falsePositives, counts.falsePositives + counts.trueNegatives), counts.recall
      )
    case .pr: return (counts.recall, counts.precision)
    case .prGain:
      let odds = ratio(
        counts.truePositives + counts.falseNegatives, counts.trueNegatives + counts.falsePositives)
      let hasFound = counts.truePositives .> 0
      let recall = 1 - odds * ratio(counts.falseNegatives, counts.truePositives)
      let precision = 1 - odds * ratio(counts.falsePositives, counts.truePositives)
      return (maximum(select(hasFound, recall, 0), 0), select(hasFound, precision, 1))
    }
  }

  /// Between two points true positives are a linear function of all positives, `slope · P + intercept`; the integral of their
  /// quotient is `slope · (ΔTP + intercept · log(P[i] / P[i + 1]))` over all labels of 1.
  private func interpolatedPrecision(_ counts: ConfusionCounts) -> Tensor {
    let found = counts.truePositives
    let positives = found + counts.falsePositives
    let slope = ratio(
      left(found) - right(found), maximum(left(positives) - right(positives), 0))
    let intercept = right(found) - slope * right(positives)
    let areBoth = logicalAnd(left(positives) .> 0, right(positives) .> 0)
    let quotient = select(areBoth, ratio(left(positives), maximum(right(positives), 0)), 1)
    let area = slope * (left(found) - right(found) + intercept * log(quotient))
    return sum(
      ratio(area, maximum(right(found) + right(counts.falseNegatives), 0)), axis: -1)
  }

  private func left(_ x: Tensor) -> Tensor { x[.ellipsis, ..<(thresholds.count - 1)] }

  private func right(_ x: Tensor) -> Tensor { x[.ellipsis, 1...] }
}
