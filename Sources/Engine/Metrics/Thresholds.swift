import Tensors

/// Thresholds, and how many of them lie below a prediction.
struct Thresholds {
  /// From the smallest up.
  let ascending: [Double]
  /// Where each threshold, as it was given, stands in ``ascending``; nil where that is the same order.
  let order: [Int]?
  /// Whether they cut [0, 1] into equal parts, so that a prediction's place among them is computed.
  let isEven: Bool
  /// Whether the first lies a little below 0 and the last a little above 1.
  let hasMargins: Bool

  /// How far the outer thresholds of an area lie outside of [0, 1]: Keras's `epsilon`.
  private static let margin = 1e-7

  /// How many.
  var count: Int { ascending.count }

  /// Thresholds in any order; at least one.
  init(_ given: [Double]) {
    let sorted = given.indices.sorted { (given[$0], $0) < (given[$1], $1) }
    ascending = sorted.map { given[$0] }
    if ascending == given {
      order = nil
    } else {
      var places = [Int](repeating: 0, count: given.count)
      for (place, index) in sorted.enumerated() { places[index] = place }
      order = places
    }
    isEven = Self.areEven(ascending)
    hasMargins = false
  }

  /// `count` of them, evenly from 0 to 1; for a `count` of 1, which has no margins, it is ½.
  init(evenly count: Int, hasMargins: Bool) {
    let last = Swift.max(count, 2) - 1
    var even = count == 1 ? [0.5] : (0...last).map { Double($0) / Double(last) }
    if hasMargins {
      even[0] = -Self.margin
      even[last] = 1 + Self.margin
    }
    ascending = even
    order = nil
    isEven = count > 1
    self.hasMargins = hasMargins
  }

  /// Those given, between one a little below 0 and one a little above 1.
  init(between given: [Double]) {
    let inner = given.sorted()
    isEven = Self.areEven([0] + inner + [1])
    ascending = [-Self.margin] + inner + [1 + Self.margin]
    order = nil
    hasMargins = true
  }

  /// Keras's `is_evenly_distributed_thresholds`.
  private static func areEven(_ ascending: [Double]) -> Bool {
    guard ascending.count >= 3 else { return false }
    return ascending.enumerated().allSatisfy { index, threshold in
      let even = Double(index) / Double(ascending.count - 1)
      return Swift.abs(threshold - even) <= 1e-7 + 1e-5 * even
    }
  }

  /// How many thresholds are smaller than each prediction, int32 of the same shape; none for NaN.
  ///
  /// Among even ones predictions count as within [0, 1], and their place is the rounded-up product with the number of parts, as in
  /// Keras: no comparison with each threshold. The product is rounded in the type of the predictions, so one that is nearer to a
  /// threshold than that may fall on either side.
  func below(_ predictions: Tensor) -> Tensor {
    guard isEven else {
      if count == 1 { return (predictions .> ascending[0]).cast(to: .int32) }
      let row = Tensor(ascending, dtype: predictions.dtype)
      return sum((predictions.expandDims(axis: -1) .> row).cast(to: .int32), axis: -1)
    }
    let parts = ceil(clip(predictions, min: 0.0, max: 1.0) * Double(count - 1)).cast(to: .int32)
    return select(isNaN(predictions), 0, hasMargins ? maximum(parts, 1) : parts)
  }
}

/// Weights of samples by label and by whether the prediction is above a threshold: `[thresholds]`, float64.
struct ConfusionCounts {
  /// Labels of 1, predictions above.
  let truePositives: Tensor
  /// Labels of 0, predictions above.
  let falsePositives: Tensor
  /// Labels of 0, predictions not above.
  let trueNegatives: Tensor
  /// Labels of 1, predictions not above.
  let falseNegatives: Tensor

  /// The share of labels of 1 that are found.
  var recall: Tensor { ratio(truePositives, truePositives + falseNegatives) }
  /// The share of labels of 0 that are found.
  var specificity: Tensor { ratio(trueNegatives, trueNegatives + falsePositives) }
  /// The share of predictions above that are labels of 1.
  var precision: Tensor { ratio(truePositives, truePositives + falsePositives) }
}

/// The base of metrics of predictions above and below thresholds, with labels of 0 and 1.
///
/// Labels and predictions have one shape; labels `[batch]` also fit predictions `[batch, 1]`. A label that is not 0 counts as 1. A
/// prediction is positive where it is larger than the threshold. What is kept is the weight of labels of 0 and of 1 by the number
/// of thresholds below their prediction, in float64: a batch of `n` costs `n` additions, however many
/// thresholds there are, if those cut [0, 1] into equal parts, and `n` comparisons with each otherwise. With such even thresholds a
/// prediction counts as within [0, 1], as in Keras.
///
/// - Note: Departs from Keras: a prediction that is NaN is above no threshold; with thresholds that cut [0, 1] into equal parts Keras, on JAX, counts
///   it as above the lowest one.
public class ThresholdMetric: AnyMetric, FollowsWeighting {
  /// Predictions larger than it count as positive, in the order given.
  public let thresholds: [Double]
  /// Only the `topK` largest predictions of the last axis can be positive, of equals the first; nil for all.
  public let topK: Int?
  /// The only position of the last axis that is looked at; nil for all.
  public let classId: Int?
  private let ladder: Thresholds

  /// Thresholds in [0, 1] that a user gave; nil for ½, and with `topK` for none but to be among those.
  init(
    given thresholds: [Double]?, topK: Int? = nil, classId: Int? = nil, on: StructurePath?,
    name: String?
  ) {
    let given = thresholds ?? [topK == nil ? 0.5 : -1e10]
    let isValid =
      thresholds == nil || !given.isEmpty && given.allSatisfy { (0...1).contains($0) }
    self.thresholds = isValid ? given : [0.5]
    self.topK = topK
    self.classId = classId
    ladder = Thresholds(self.thresholds)
    super.init(on: on, name: name)
    guard isValid else {
      fail(
        EngineError.argument(
          "thresholds", of: self.name, must: "be numbers in [0, 1], at least one",
          found: "\(given)"))
      return
    }
  }

  /// Thresholds that the metric made.
  init(_ thresholds: Thresholds, classId: Int? = nil, on: StructurePath?, name: String?) {
    self.thresholds = thresholds.ascending
    self.classId = classId
    topK = nil
    ladder = thresholds
    super.init(on: on, name: name)
  }

  /// Whether the positions of the last axis are counted apart, as in a ``AUC`` of several labels.
  var separatesLabels: Bool { false }

  /// Predictions as they are compared.
  func scores(_ predictions: Tensor) -> Tensor { predictions }

  /// The weight of each position of the last axis; nil for 1.
  var weightsOfLabels: [Double]? { nil }

  /// Counts the labels and predictions of a batch, weighted by weights `[batch]` or of their shape.
  public func update(_ inputs: WeightedPredictions) {
    var (labels, predictions) = pairedInOwnTypes(
      labels: inputs.yTrue, predictions: scores(floating(inputs.yPred)), name)
    if labels.isInvalid || predictions.isInvalid { return }
    var weights = Tensor.ones(labels.shape, dtype: .float64)
    if let given = inputs.sampleWeight { weights = spreadWeights(given, over: weights) }
    if let given = labelWeights(for: labels.shape) { weights = weights * given }
    if let topK { predictions = select(isAmongLargest(topK, predictions), predictions, -1e10) }
    if let classId {
      guard labels.rank > 1, (0..<labels.shape[-1]).contains(classId) else {
        fail(
          EngineError.argument(
            "classId", of: name, must: "be a position of the last axis of [batch, classes]",
            found: "\(classId) for predictions \(labels.shape)"))
        return
      }
      func column(_ x: Tensor) -> Tensor { slice(x, axis: -1, from: classId, to: classId + 1) }
      (labels, predictions, weights) = (column(labels), column(predictions), column(weights))
    }
    count(labels, predictions, weights)
  }

  private func count(_ labels: Tensor, _ predictions: Tensor, _ weights: Tensor) {
    let steps = ladder.count + 1
    var places = labels.cast(to: .bool).cast(to: .int32) * steps + ladder.below(predictions)
    var shape = [2, steps]
    if separatesLabels {
      places = places + Tensor.arange(labels.shape[-1]) * (2 * steps)
      shape.insert(labels.shape[-1], at: 0)
    }
    let counts = state("counts", shape: Shape(shape))
    let added = scatterAdd(
      weights.reshape([-1]), places.reshape([-1]), length: counts.shape.elementCount)
    counts.value = counts.value + added.reshape(counts.shape)
  }

  private func labelWeights(for shape: Shape) -> Tensor? {
    guard let weights = weightsOfLabels else { return nil }
    guard shape.last == weights.count else {
      fail(
        EngineError.argument(
          "labelWeights", of: name, must: "have one number for each label of \(shape)",
          found: "\(weights.count)"))
      return nil
    }
    return separatesLabels ? nil : Tensor(weights, dtype: .float64)
  }

  private func isAmongLargest(_ k: Int, _ predictions: Tensor) -> Tensor {
    let places = Tensors.topK(predictions, k).indices
    if places.isInvalid { return places }
    return any(oneHot(places, depth: predictions.shape[-1], dtype: .bool), axis: -2)
  }

  /// What has been counted, by threshold in the order given, and where labels are counted apart `[labels, thresholds]`.
  var counts: ConfusionCounts {
    // An axis more where nothing is known of the number of labels.
    let counts =
      separatesLabels
      ? madeState("counts")?.value ?? .zeros([1, 2, ladder.count + 1], dtype: .float64)
      : state("counts", shape: [2, ladder.count + 1]).value
    // Those with more thresholds below them are above this one.
    var above = cumulativeSum(counts, axis: -1, reverse: true)[.ellipsis, 1...]
    var below = cumulativeSum(counts, axis: -1)[.ellipsis, ..<ladder.count]
    if let order = ladder.order {
      above = take(above, Tensor(order), axis: -1)
      below = take(below, Tensor(order), axis: -1)
    }
    func of(_ label: Int, _ counts: Tensor) -> Tensor {
      let part = slice(counts, axis: -2, from: label, to: label + 1)
      return squeeze(part, axis: -2)
    }
    return ConfusionCounts(
      truePositives: of(1, above), falsePositives: of(0, above), trueNegatives: of(0, below),
      falseNegatives: of(1, below))
  }

  /// A scalar for one threshold, else one number for each.
  func byThreshold(_ values: Tensor) -> Tensor { ladder.count == 1 ? values.reshape([]) : values }
}
