import Tensors

/// How often predictions equal labels exactly, element by element, both of one shape.
///
/// For probabilities or logits of classes use ``BinaryAccuracy``, ``CategoricalAccuracy`` or
/// ``SparseCategoricalAccuracy``.
///
/// - SeeAlso: Keras, `metrics.Accuracy`.
public final class Accuracy: MeanMetric, MetricProtocol {
  /// Adds the values of a batch, one an element or a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    let (labels, predictions) = pairedInOwnTypes(
      labels: inputs.yTrue, predictions: inputs.yPred, "accuracy")
    add(labels .== predictions, sampleWeight: inputs.sampleWeight)
  }
}

/// How often `yPred > threshold` agrees with labels of 0 and 1, element by element.
///
/// Labels and predictions have one shape; labels `[batch]` also fit predictions `[batch, 1]`.
///
/// - SeeAlso: Keras, `metrics.BinaryAccuracy`.
public final class BinaryAccuracy: MeanMetric, MetricProtocol {
  /// Predictions above it count as 1.
  public let threshold: Double

  /// The metric; the threshold is 0.5 by default (for logits it is 0).
  public init(threshold: Double = 0.5, on: StructurePath? = nil, name: String? = nil) {
    self.threshold = threshold
    super.init(on: on, name: name)
  }

  /// Adds the values of a batch, one an element or a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(
      binaryAccuracy(inputs.yTrue, inputs.yPred, threshold: threshold),
      sampleWeight: inputs.sampleWeight)
  }
}

/// 1 where `yPred > threshold` agrees with the label, 0 or 1, and 0 elsewhere: float32 of the shape of labels and predictions;
/// see ``BinaryAccuracy``. A prediction that is NaN counts as 0.
public func binaryAccuracy(_ yTrue: Tensor, _ yPred: Tensor, threshold: Double = 0.5) -> Tensor {
  let (labels, predictions) = paired(labels: yTrue, predictions: yPred, "binaryAccuracy")
  let decided = (predictions .> threshold).cast(to: labels.dtype)
  return (labels .== decided).cast(to: .float32)
}

/// How often the largest prediction is where the largest label is, along the last axis; of equals the first counts.
///
/// Labels (one-hot rows) and predictions (probabilities or logits) have shape `[batch, classes]`.
///
/// - SeeAlso: Keras, `metrics.CategoricalAccuracy`.
public final class CategoricalAccuracy: MeanMetric, MetricProtocol {
  /// Adds the values of a batch, one an element or a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(categoricalAccuracy(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
  }
}

/// 1 where the largest prediction is where the largest label is, along the last axis, and 0 elsewhere: float32 `[batch]` for labels
/// and predictions `[batch, classes]`; see ``CategoricalAccuracy``.
public func categoricalAccuracy(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let (labels, predictions) = pairedInOwnTypes(
    labels: yTrue, predictions: yPred, "categoricalAccuracy")
  return (argmax(labels, axis: -1) .== argmax(predictions, axis: -1)).cast(to: .float32)
}

/// How often the largest prediction is that of the right class; of equals the first counts.
///
/// Labels are class numbers `[batch]` or `[batch, 1]`, predictions (probabilities or logits) `[batch, classes]`; a time
/// axis in between stays.
///
/// - Note: Departs from Keras: a label outside `0 ..< classes` is an error that names it; Keras counts such a sample as wrong.
/// - SeeAlso: Keras, `metrics.SparseCategoricalAccuracy`.
public final class SparseCategoricalAccuracy: MeanMetric, MetricProtocol, TakesClassNumbers {
  /// Adds the values of a batch, one an element or a sample, to total and count.
  public func update(_ inputs: WeightedPredictions) {
    add(sparseCategoricalAccuracy(inputs.yTrue, inputs.yPred), sampleWeight: inputs.sampleWeight)
  }
}

/// 1 where the largest prediction is that of the right class and 0 elsewhere: float32 `[batch]` for class numbers `[batch]` or
/// `[batch, 1]` and predictions `[batch, classes]`; see ``SparseCategoricalAccuracy``.
public func sparseCategoricalAccuracy(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  let labels = classNumbers(yTrue, for: yPred, "sparseCategoricalAccuracy")
  return (labels .== argmax(yPred, axis: -1)).cast(to: .float32)
}
