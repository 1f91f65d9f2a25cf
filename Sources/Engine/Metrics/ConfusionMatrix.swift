import Tensors

/// The base of metrics that count pairs of classes: what is right, and what was predicted.
///
/// Labels and predictions are class numbers of one shape, `[batch]` or `[batch, ...]`, or scores along an axis of `numClasses`, of
/// which the largest is the class.
///
/// - Note: Departs from Keras: a class number outside `0 ..< numClasses` is an error that names it, unless it is a label of `ignoreClass`; Keras's
///   `IoU` leaves it out. Weights are kept in float64; Keras counts in integers and cuts off fractions.
public class ClassPairs: AnyMetric, FollowsWeighting {
  /// How many classes there are.
  public let numClasses: Int
  /// A label that does not count, with any prediction; it need not be a class. Nil for none.
  public let ignoreClass: Int?
  /// Whether labels are class numbers; else they are scores or one-hot.
  public let sparseYTrue: Bool
  /// Whether predictions are class numbers; else they are scores.
  public let sparseYPred: Bool
  /// The axis of scores.
  public let axis: Int

  /// Nothing counted; `numClasses` must be 1 or more.
  init(
    numClasses: Int, ignoreClass: Int?, sparseYTrue: Bool, sparseYPred: Bool, axis: Int,
    on: StructurePath?, name: String?
  ) {
    self.numClasses = Swift.max(numClasses, 1)
    self.ignoreClass = ignoreClass
    self.sparseYTrue = sparseYTrue
    self.sparseYPred = sparseYPred
    self.axis = axis
    super.init(on: on, name: name)
    guard numClasses < 1 else { return }
    fail(
      EngineError.argument(
        "numClasses", of: self.name, must: "be 1 or more", found: "\(numClasses)"))
  }

  /// Predictions as class numbers or scores.
  func scores(_ predictions: Tensor) -> Tensor { predictions }

  /// Counts the pairs of a batch, weighted by weights `[batch]` or of the shape of the classes.
  public func update(_ inputs: WeightedPredictions) {
    var (labels, predictions) = pairedInOwnTypes(
      labels: sparseYTrue ? inputs.yTrue : classes(inputs.yTrue),
      predictions: sparseYPred ? scores(inputs.yPred) : classes(scores(inputs.yPred)), name)
    if labels.isInvalid || predictions.isInvalid { return }
    var weights = Tensor.ones(labels.shape, dtype: .float64)
    if let given = inputs.sampleWeight { weights = spreadWeights(given, over: weights) }
    if let ignoreClass {
      let isIgnored = labels .== ignoreClass
      labels = select(isIgnored, 0, labels)
      predictions = select(isIgnored, 0, predictions)
      weights = select(isIgnored, 0, weights)
    }
    let rows = wholeNumbers(labels, below: numClasses, "\(name), labels").cast(to: .int64)
    let columns = wholeNumbers(predictions, below: numClasses, "\(name), predictions")
    let places = rows * numClasses + columns.cast(to: .int64)
    let pairs = scatterAdd(
      weights.reshape([-1]), places.reshape([-1]), length: numClasses * numClasses)
    let counts = state("counts", shape: [numClasses, numClasses])
    counts.value = counts.value + pairs.reshape(counts.shape)
  }

  private func classes(_ scores: Tensor) -> Tensor {
    guard (-scores.rank..<scores.rank).contains(axis), scores.shape[axis] == numClasses else {
      return fail(
        EngineError.shape(
          operation: name,
          message: "scores \(scores.shape) do not have \(numClasses) classes along axis \(axis); "
            + "class numbers are announced by sparseYTrue and sparseYPred"))
    }
    return argmax(scores, axis: axis)
  }

  /// The weight of samples by label (row) and prediction (column): `[numClasses, numClasses]`, float64.
  var counts: Tensor { state("counts", shape: [numClasses, numClasses]).value }
}

/// How often each class was predicted for samples of each: rows are labels, columns predictions.
///
/// By default labels are class numbers and predictions scores `[batch, classes]`, as a classifier gives them; see ``ClassPairs``.
///
/// - Note: Departs from Keras: Keras has it as a function only.
/// - SeeAlso: scikit-learn, `metrics.confusion_matrix`; TensorFlow, `math.confusion_matrix`.
public final class ConfusionMatrix: ClassPairs, MetricProtocol, LoggedByElement, TakesClassNumbers {
  /// What is left of counts when they are divided.
  public enum Normalization: Sendable {
    /// Shares of the samples with each label: rows add up to 1, and the diagonal is the recall of each class.
    case labels
    /// Shares of the samples with each prediction: columns add up to 1, and the diagonal is the precision of each class.
    case predictions
    /// Shares of all samples.
    case all
  }

  /// What counts are divided by; nil for counts.
  public let normalization: Normalization?

  /// The counts of pairs of `numClasses` classes.
  ///
  /// - Parameters:
  ///   - numClasses: 1 or more, or it is an ``EngineError/invalidArgument(message:)``.
  ///   - normalization: what counts are divided by; nil for counts. Rows or columns without samples are 0.
  ///   - ignoreClass: a label that does not count.
  ///   - sparseYTrue: whether labels are class numbers, not scores or one-hot.
  ///   - sparseYPred: whether predictions are class numbers, not scores.
  ///   - axis: the axis of scores.
  ///   - on: the part of labels and predictions; nil for all.
  ///   - name: the name in logs; nil for the type's.
  public init(
    numClasses: Int, normalization: Normalization? = nil, ignoreClass: Int? = nil,
    sparseYTrue: Bool = true, sparseYPred: Bool = false, axis: Int = -1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.normalization = normalization
    super.init(
      numClasses: numClasses, ignoreClass: ignoreClass, sparseYTrue: sparseYTrue,
      sparseYPred: sparseYPred, axis: axis, on: on, name: name)
  }

  /// `[numClasses, numClasses]`, float64; in logs `confusion_matrix/label/prediction`.
  public func result() -> Tensor {
    let counts = counts
    return switch normalization {
    case nil: counts
    case .labels: ratio(counts, sum(counts, axis: 1, keepDims: true).broadcast(to: counts.shape))
    case .predictions:
      ratio(counts, sum(counts, axis: 0, keepDims: true).broadcast(to: counts.shape))
    case .all: ratio(counts, sum(counts).broadcast(to: counts.shape))
    }
  }
}
