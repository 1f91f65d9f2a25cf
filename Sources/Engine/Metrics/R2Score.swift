import Tensors

/// The coefficient of determination: 1 less the squared error as a share of that of the labels' mean,
/// `1 − Σ w(y − p)² / Σ w(y − ȳ)²`, of each output.
///
/// Labels and predictions have shape `[batch, outputs]`, or `[batch]` for one. It is 1 at best and
/// 0 for predictions that are the mean. Before the first sample it is 0.
///
/// - Note: Departs from Keras: an output whose labels are all equal (they vary by less than the rounding of their squares) has the score 1 where
///   predictions are too, else 0; Keras gives NaN and 0 there. Labels and predictions `[batch]` count as one column; Keras refuses them.
/// - SeeAlso: Keras, `metrics.R2Score`; Draper, Smith, *Applied Regression Analysis* (1998), §1.3 and, for `numRegressors`, §5.
public final class R2Score: AnyMetric, MetricProtocol, FollowsWeighting, LoggedByElement {
  /// How the scores of outputs become one.
  public enum ClassAggregation: Sendable {
    /// Their mean.
    case uniformAverage
    /// Their mean, each weighted by the variance of its labels.
    case varianceWeightedAverage
  }

  /// How the scores of outputs become one; nil for one number an output.
  public let classAggregation: ClassAggregation?
  /// How many independent variables the adjusted score takes account of; 0 for the plain score.
  public let numRegressors: Int

  /// The score, by default the mean over outputs.
  ///
  /// - Parameters:
  ///   - classAggregation: how the scores of outputs become one; nil for one number an output.
  ///   - numRegressors: the `k` of the adjusted score `1 − (1 − R²)(n − 1)/(n − k − 1)`, which is the plain one where `k` is 0 or
  ///     `n − 1` or more. As in Keras `n` is the number of *labels*, so two outputs count each row twice. Less than 0 is an
  ///     ``EngineError/invalidArgument(message:)``.
  ///   - on: the part of labels and predictions; nil for all.
  ///   - name: the name in logs; nil for the type's.
  public init(
    classAggregation: ClassAggregation? = .uniformAverage, numRegressors: Int = 0,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.classAggregation = classAggregation
    self.numRegressors = numRegressors
    super.init(on: on, name: name)
    guard numRegressors < 0 else { return }
    fail(
      EngineError.argument(
        "numRegressors", of: self.name, must: "be 0 or more", found: "\(numRegressors)"))
  }

  /// Adds labels, their squares and squared errors, weighted by weights `[batch]`, in float64: of numbers of up to 24 bits the last bits
  /// of the sums of squares can depend on the order of adding.
  public func update(_ inputs: WeightedPredictions) {
    guard var (labels, predictions) = columns(inputs, name) else { return }
    guard labels.rank == 2, labels.shape[1] > 0 else {
      fail(
        EngineError.shape(
          operation: name,
          message: "labels and predictions \(labels.shape): they must have shape [batch, outputs]"))
      return
    }
    (labels, predictions) = (labels.cast(to: .float64), predictions.cast(to: .float64))
    var weights = Tensor.ones(labels.shape, dtype: .float64)
    if let given = inputs.sampleWeight { weights = spreadWeights(given, over: labels) }
    let parts = [
      weights, weights * labels, weights * square(labels), weights * square(labels - predictions),
    ]
    let (sums, samples) = (state("sums", shape: [4, labels.shape[1]]), state("samples"))
    sums.value = sums.value + stack(parts.map { sum($0, axis: 0) })
    samples.value = samples.value + Double(labels.elementCount)
  }

  /// float64: a scalar, or `[outputs]` without an aggregation once there was an update.
  public func result() -> Tensor {
    guard let sums = madeState("sums")?.value else { return .zero }
    let (weight, labels, squares, residual) = (sums[0], sums[1], sums[2], sums[3])
    var variation = squares - labels * ratio(labels, weight)
    variation = select(variation .<= squares * 1e-14, 0, variation)
    let isConstant = variation .== 0
    let perfect = logicalAnd(residual .== 0, weight .> 0).cast(to: .float64)
    let scores = select(isConstant, perfect, 1 - ratio(residual, variation))
    let score =
      switch classAggregation {
      case nil: scores
      case .uniformAverage: mean(scores)
      case .varianceWeightedAverage: ratio(sum(variation * scores), sum(variation))
      }
    guard numRegressors > 0 else { return score }
    let n = state("samples").value
    let freedom = n - Double(numRegressors) - 1
    let adjusted = 1 - ratio((1 - score) * (n - 1), freedom)
    return select(logicalAnd(freedom .> 0, sum(weight) .> 0), adjusted, score)
  }
}
