import Tensors

/// The mean over samples of Pearson's correlation between the labels and predictions of a sample.
///
/// Labels and predictions have shape `[batch, n]`, or more axes, one of which is ``axis``. It is a correlation *within* samples, as in
/// Keras; not one over the data set, for which every sample would have to have a single number.
///
/// - Note: Departs from Keras: a sample whose labels or predictions are all equal counts as 0; Keras gives NaN.
/// - SeeAlso: Keras, `metrics.PearsonCorrelation`.
public final class PearsonCorrelation: MeanMetric, MetricProtocol {
  /// The axis along which labels and predictions are correlated, not the first.
  public let axis: Int

  /// The metric along `axis`, by default the last.
  public init(axis: Int = -1, on: StructurePath? = nil, name: String? = nil) {
    self.axis = axis
    super.init(on: on, name: name)
  }

  /// Adds the values of a batch, one a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(
      pearsonCorrelation(inputs.yTrue, inputs.yPred, axis: axis), sampleWeight: inputs.sampleWeight)
  }
}

/// Pearson's correlation of labels and predictions along an axis: `Σ (t − t̄)(p − p̄) / √(Σ (t − t̄)² Σ (p − p̄)²)`.
///
/// - Parameters:
///   - yTrue: `[batch, n]`, or more axes.
///   - yPred: of the shape of `yTrue`.
///   - axis: negative from the end; the first, that of samples, or one that does not exist, is an
///     ``EngineError/shape(operation:message:)``.
/// - Returns: `[batch]`, in [-1, 1], computed in float64 and given in the type of `yPred`; 0 where labels or predictions are all equal.
public func pearsonCorrelation(_ yTrue: Tensor, _ yPred: Tensor, axis: Int = -1) -> Tensor {
  withinSamples(yTrue, yPred, axis, "pearsonCorrelation") { moments in
    let norm = sqrt(moments.labelVariance * moments.predictionVariance)
    return ratio(moments.covariance, norm)
  }
}

/// The mean over samples of the concordance correlation between the labels and predictions of a sample: Pearson's, made smaller by
/// differences of mean and scale.
///
/// Labels and predictions have shape `[batch, n]`, or more axes, one of which is ``axis``; as ``PearsonCorrelation`` it is *within* samples.
///
/// - SeeAlso: Lin, *A Concordance Correlation Coefficient to Evaluate Reproducibility* (1989), (2); Keras,
///   `metrics.ConcordanceCorrelation`.
public final class ConcordanceCorrelation: MeanMetric, MetricProtocol {
  /// The axis along which labels and predictions are correlated, not the first.
  public let axis: Int

  /// The metric along `axis`, by default the last.
  public init(axis: Int = -1, on: StructurePath? = nil, name: String? = nil) {
    self.axis = axis
    super.init(on: on, name: name)
  }

  /// Adds the values of a batch, one a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(
      concordanceCorrelation(inputs.yTrue, inputs.yPred, axis: axis),
      sampleWeight: inputs.sampleWeight)
  }
}

/// The concordance correlation of labels and predictions along an axis: `2 cov(t, p) / (var t + var p + (t̄ − p̄)² + 1e-7)`.
///
/// Arguments and errors as for ``pearsonCorrelation(_:_:axis:)``.
///
/// - Returns: `[batch]`, in [-1, 1], computed in float64 and given in the type of `yPred`.
public func concordanceCorrelation(_ yTrue: Tensor, _ yPred: Tensor, axis: Int = -1) -> Tensor {
  withinSamples(yTrue, yPred, axis, "concordanceCorrelation") { moments in
    let distance = square(moments.labelMean - moments.predictionMean)
    return moments.covariance * 2
      / (moments.labelVariance + moments.predictionVariance + distance + 1e-7)
  }
}

private struct PairMoments {
  let labelMean: Tensor
  let predictionMean: Tensor
  let labelVariance: Tensor
  let predictionVariance: Tensor
  let covariance: Tensor
}

/// In float64, in which equal numbers of float32 have a variance of exactly 0.
private func withinSamples(
  _ yTrue: Tensor, _ yPred: Tensor, _ axis: Int, _ operation: String,
  _ body: (PairMoments) -> Tensor
) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, operation)
  guard let axis = axisWithinSamples(axis, of: predictions, operation) else { return .invalid }
  let (t, p) = (labels.cast(to: .float64), predictions.cast(to: .float64))
  let (labelMean, predictionMean) = (mean(t, axis: axis), mean(p, axis: axis))
  let (u, v) = (t - labelMean.expandDims(axis: axis), p - predictionMean.expandDims(axis: axis))
  let moments = PairMoments(
    labelMean: labelMean, predictionMean: predictionMean,
    labelVariance: mean(square(u), axis: axis), predictionVariance: mean(square(v), axis: axis),
    covariance: mean(u * v, axis: axis))
  return body(moments).cast(to: predictions.dtype)
}

/// An axis from the front that is not the first; fails for another.
func axisWithinSamples(_ axis: Int, of values: Tensor, _ operation: String) -> Int? {
  if values.isInvalid { return nil }
  let place = axis < 0 ? axis + values.rank : axis
  guard place >= 1, place < values.rank else {
    fail(
      EngineError.shape(
        operation: operation,
        message:
          "axis \(axis) of \(values.shape) is no axis within samples, [batch, ...]: the first "
          + "one is that of samples"))
    return nil
  }
  return place
}
