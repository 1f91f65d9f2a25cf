import Tensors

/// Intersection over union, `TP / (TP + FP + FN)`, the mean over some classes.
///
/// Labels and predictions are class numbers unless told otherwise; see ``ClassPairs``. A class that is neither label nor
/// prediction is not in the mean; without any it is 0.
///
/// - Note: Departs from Keras: denominators are exact, so that perfect predictions score 1; Keras adds 1e-7 to them.
/// - SeeAlso: Keras, `metrics.IoU`.
public class IoU: ClassPairs, MetricProtocol, TakesClassNumbers {
  /// The classes that the mean is of.
  public let targetClassIds: [Int]

  /// The mean over `targetClassIds` of `numClasses` classes.
  ///
  /// - Parameters:
  ///   - numClasses: 1 or more, or it is an ``EngineError/invalidArgument(message:)``.
  ///   - targetClassIds: class numbers, at least one; others are an ``EngineError/invalidArgument(message:)``.
  ///   - ignoreClass: a label that does not count.
  ///   - sparseYTrue: whether labels are class numbers, not scores or one-hot.
  ///   - sparseYPred: whether predictions are class numbers, not scores.
  ///   - axis: the axis of scores.
  ///   - on: the part of labels and predictions; nil for all.
  ///   - name: the name in logs; nil for the type's.
  public init(
    numClasses: Int, targetClassIds: [Int], ignoreClass: Int? = nil, sparseYTrue: Bool = true,
    sparseYPred: Bool = true, axis: Int = -1, on: StructurePath? = nil, name: String? = nil
  ) {
    let isValid =
      !targetClassIds.isEmpty && targetClassIds.allSatisfy { $0 >= 0 && $0 < numClasses }
    self.targetClassIds = isValid ? targetClassIds : [0]
    super.init(
      numClasses: numClasses, ignoreClass: ignoreClass, sparseYTrue: sparseYTrue,
      sparseYPred: sparseYPred, axis: axis, on: on, name: name)
    guard !isValid, numClasses > 0 else { return }
    fail(
      EngineError.argument(
        "targetClassIds", of: self.name,
        must: "be classes in 0..<\(numClasses), at least one", found: "\(targetClassIds)"))
  }

  /// The mean; a float64 scalar.
  public func result() -> Tensor {
    let counts = counts
    let found = counts.reshape([-1])[.stride(by: numClasses + 1)]
    let union = sum(counts, axis: 0) + sum(counts, axis: 1) - found
    let targets = Tensor(targetClassIds)
    let (intersections, unions) = (take(found, targets), take(union, targets))
    let isPresent = (unions .> 0).cast(to: .float64)
    return ratio(sum(ratio(intersections, unions) * isPresent), sum(isPresent))
  }
}

/// Intersection over union of two classes, 0 and 1, where predictions are probabilities.
///
/// Labels are 0 or 1, in the shape of predictions; labels `[batch]` also fit predictions `[batch, 1]`. A prediction that reaches the
/// threshold is 1, unlike elsewhere also one that equals it; NaN is 0.
///
/// - SeeAlso: Keras, `metrics.BinaryIoU`.
public final class BinaryIoU: IoU {
  /// Predictions that reach it are 1.
  public let threshold: Double

  /// The mean over `targetClassIds`, by default of both classes; others are an ``EngineError/invalidArgument(message:)``.
  public init(
    targetClassIds: [Int] = [0, 1], threshold: Double = 0.5, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.threshold = threshold
    super.init(numClasses: 2, targetClassIds: targetClassIds, on: on, name: name)
  }

  override func scores(_ predictions: Tensor) -> Tensor {
    (predictions .>= threshold).cast(to: .int32)
  }
}

/// Intersection over union, the mean over all classes; see ``IoU``.
///
/// - SeeAlso: Keras, `metrics.MeanIoU`.
public class MeanIoU: IoU {
  /// The mean over `numClasses` classes of class numbers; see ``IoU``.
  public init(
    numClasses: Int, ignoreClass: Int? = nil, sparseYTrue: Bool = true, sparseYPred: Bool = true,
    axis: Int = -1, on: StructurePath? = nil, name: String? = nil
  ) {
    super.init(
      numClasses: numClasses, targetClassIds: Array(0..<Swift.max(numClasses, 1)),
      ignoreClass: ignoreClass, sparseYTrue: sparseYTrue, sparseYPred: sparseYPred, axis: axis,
      on: on, name: name)
  }
}

/// Intersection over union of some classes, where labels are one-hot rows and predictions scores; see ``IoU``.
///
/// - SeeAlso: Keras, `metrics.OneHotIoU`.
public final class OneHotIoU: IoU {
  /// The mean over `targetClassIds` of `numClasses` classes; with `sparseYPred` predictions are class numbers.
  public init(
    numClasses: Int, targetClassIds: [Int], ignoreClass: Int? = nil, sparseYPred: Bool = false,
    axis: Int = -1, on: StructurePath? = nil, name: String? = nil
  ) {
    super.init(
      numClasses: numClasses, targetClassIds: targetClassIds, ignoreClass: ignoreClass,
      sparseYTrue: false, sparseYPred: sparseYPred, axis: axis, on: on, name: name)
  }
}

/// Intersection over union, the mean over all classes, where labels are one-hot rows and predictions scores; see ``IoU``.
///
/// - SeeAlso: Keras, `metrics.OneHotMeanIoU`.
public final class OneHotMeanIoU: MeanIoU {
  /// The mean over `numClasses` classes; with `sparseYPred` predictions are class numbers.
  public init(
    numClasses: Int, ignoreClass: Int? = nil, sparseYPred: Bool = false, axis: Int = -1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    super.init(
      numClasses: numClasses, ignoreClass: ignoreClass, sparseYTrue: false,
      sparseYPred: sparseYPred, axis: axis, on: on, name: name)
  }
}
