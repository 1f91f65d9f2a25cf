import Tensors

/// How often the right class is among the `k` with the largest predictions.
///
/// Labels (one-hot rows) and predictions (probabilities or logits) have shape `[batch, classes]`; the class is where the largest label
/// is. Classes with equal predictions are all in or all out: the right class is in where fewer than `k` predictions are larger.
/// One whose prediction is NaN is out where `k` others are numbers.
///
/// - SeeAlso: Keras, `metrics.TopKCategoricalAccuracy`.
public final class TopKCategoricalAccuracy: MeanMetric, MetricProtocol {
  /// How many predictions count as right.
  public let k: Int

  /// The metric; `k` is 5 by default. One below 1 is an ``EngineError/invalidArgument(message:)``.
  public init(k: Int = 5, on: StructurePath? = nil, name: String? = nil) {
    self.k = k
    super.init(on: on, name: name)
    expectAtLeastOne(k, self.name)
  }

  /// Adds the values of a batch, one a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(
      topKCategoricalAccuracy(inputs.yTrue, inputs.yPred, k: k), sampleWeight: inputs.sampleWeight)
  }
}

/// 1 where the right class is among the `k` with the largest predictions and 0 elsewhere: float32 `[batch]` for labels and
/// predictions `[batch, classes]`; see ``TopKCategoricalAccuracy``.
public func topKCategoricalAccuracy(_ yTrue: Tensor, _ yPred: Tensor, k: Int = 5) -> Tensor {
  let (labels, predictions) = pairedInOwnTypes(
    labels: yTrue, predictions: yPred, "topKCategoricalAccuracy")
  return isAmong(k, argmax(labels, axis: -1), floating(predictions), "topKCategoricalAccuracy")
}

/// How often the right class is among the `k` with the largest predictions, by class number.
///
/// Labels are class numbers `[batch]` or `[batch, 1]`, predictions (probabilities or logits) `[batch, classes]`; a time axis in
/// between stays. Ties and NaN are as for ``TopKCategoricalAccuracy``.
///
/// - Note: Departs from Keras: a label outside `0 ..< classes` is an error that names it; Keras counts such a sample as wrong.
/// - SeeAlso: Keras, `metrics.SparseTopKCategoricalAccuracy`.
public final class SparseTopKCategoricalAccuracy: MeanMetric, MetricProtocol, TakesClassNumbers {
  /// How many predictions count as right.
  public let k: Int
  /// Whether predictions are class numbers, best first.
  public let fromSortedIds: Bool

  /// The metric of predictions that are scores, or with `fromSortedIds` class numbers, best first, of which the first `k` count;
  /// `k` is 5 by default. One below 1 is an ``EngineError/invalidArgument(message:)``.
  public init(
    k: Int = 5, fromSortedIds: Bool = false, on: StructurePath? = nil, name: String? = nil
  ) {
    self.k = k
    self.fromSortedIds = fromSortedIds
    super.init(on: on, name: name)
    expectAtLeastOne(k, self.name)
  }

  /// Adds the values of a batch, one a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    let values = sparseTopKCategoricalAccuracy(
      inputs.yTrue, inputs.yPred, k: k, fromSortedIds: fromSortedIds)
    add(values, sampleWeight: inputs.sampleWeight)
  }
}

/// 1 where the right class is among the `k` with the largest predictions and 0 elsewhere: float32 `[batch]` for class numbers
/// `[batch]` or `[batch, 1]` and predictions `[batch, classes]`; see ``SparseTopKCategoricalAccuracy``.
public func sparseTopKCategoricalAccuracy(
  _ yTrue: Tensor, _ yPred: Tensor, k: Int = 5, fromSortedIds: Bool = false
) -> Tensor {
  let operation = "sparseTopKCategoricalAccuracy"
  guard fromSortedIds else {
    return isAmong(k, classNumbers(yTrue, for: yPred, operation), floating(yPred), operation)
  }
  guard expectAtLeastOne(k, operation) else { return .invalid }
  var labels = yTrue
  if labels.rank == yPred.rank, labels.shape.last == 1 { labels = squeeze(labels, axis: -1) }
  guard labels.shape.dimensions == Array(yPred.shape.dimensions.dropLast()), yPred.rank > 0 else {
    return fail(
      EngineError.shape(
        operation: operation,
        message: "class numbers \(yTrue.shape) do not fit predicted ones \(yPred.shape): give one "
          + "number for every row"))
  }
  let best = slice(yPred, axis: -1, from: 0, to: Swift.min(k, yPred.shape[-1]))
  return any(best .== labels.expandDims(axis: -1), axis: -1).cast(to: .float32)
}

/// Whether fewer than `k` predictions of a row are larger than that at its place.
private func isAmong(
  _ k: Int, _ places: Tensor, _ predictions: Tensor, _ operation: String
) -> Tensor {
  guard expectAtLeastOne(k, operation) else { return .invalid }
  let own = takeAlong(predictions, places)
  let bar = select(isNaN(own), -Double.infinity, own).expandDims(axis: -1)
  return (sum((predictions .> bar).cast(to: .int32), axis: -1) .< k).cast(to: .float32)
}

/// Whether `k` is 1 or more; fails otherwise.
@discardableResult
private func expectAtLeastOne(_ k: Int, _ operation: String) -> Bool {
  guard k < 1 else { return true }
  fail(EngineError.argument("k", of: operation, must: "be 1 or more", found: "\(k)"))
  return false
}
