import Tensors

/// How little two sets overlap, for segmentation: `1 − 2 Σ t·p / (Σ t + Σ p + 1e-7)`, for labels `t` and predictions `p`
/// in 0...1.
///
/// The sums are over all elements of the batch, samples included, so this is one number and no mean over samples: a reduction has nothing to
/// reduce. With `axes` the sums are over these: `axes: [1, 2, 3]` gives a value for each image of `[batch, height, width, classes]`, to
/// which weights apply.
///
/// On several ranks with ``LossScaling/globalBatch`` the sums are those over all ranks' samples, which gives loss and gradients of one
/// process; with ``LossScaling/replicas`` each rank has the loss of its share, and their mean counts, as in Keras (see
/// ``LossOfSums``). Of nothing at all the loss is 1, without a gradient. See ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: sample and class weights are an error where `axes` do not leave the axis of samples, since there is no value for each;
///   Keras multiplies the one number by them.
/// - SeeAlso: Milletari, Navab, Ahmadi, *V-Net* (2016), §3; Keras, `losses.Dice`.
public struct Dice: LossOfSums {
  /// The axes that are summed over, negative from the end; nil for all.
  public let axes: [Int]?
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; one number for a batch by default.
  public init(
    axes: [Int]? = nil, reduction: Reduction = .auto, weight: Double = 1,
    on: StructurePath? = nil, name: String? = nil
  ) {
    self.axes = axes
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// `Σ t·p` and `Σ t + Σ p`; labels of another shape than predictions are an error.
  public func sums(_ inputs: LabelsAndPredictions) -> [Tensor] {
    let (labels, predictions) = paired(labels: inputs.yTrue, predictions: inputs.yPred, "dice")
    return [
      sum(labels * predictions, axes: axes), sum(labels, axes: axes) + sum(predictions, axes: axes),
    ]
  }

  /// One number, or what the axes leave.
  public func value(of sums: [Tensor]) -> Tensor { 1 - sums[0] * 2 / (sums[1] + 1e-7) }

  /// Whether the first axis is summed over.
  public func isOverSamples(_ inputs: LabelsAndPredictions) -> Bool {
    hasFirst(axes, rank: inputs.yPred.rank)
  }
}

/// How little labels and predictions overlap, a scalar, or what `axes` leave; see ``Dice``.
public func dice(_ yTrue: Tensor, _ yPred: Tensor, axes: [Int]? = nil) -> Tensor {
  Dice(axes: axes).call(LabelsAndPredictions(yTrue: yTrue, yPred: yPred))
}

/// How little two sets overlap, where what is missing and what is too much count differently:
/// `1 − Σ t·p / (Σ t·p + α Σ t·(1 − p) + β Σ (1 − t)·p + 1e-7)`, for labels `t` and predictions `p` in 0...1.
///
/// With `alpha` and `beta` of ½ this is ``Dice``. As Keras computes it, `alpha` weighs what predictions miss and `beta` what they have too
/// much; the paper, and Keras's documentation, say it the other way round. Axes, weights and ranks as for ``Dice``; see
/// ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: sample and class weights are an error where `axes` do not leave the axis of samples, since there is no value for each;
///   Keras multiplies the one number by them.
/// - SeeAlso: Salehi, Erdogmus, Gholipour, *Tversky Loss Function for Image Segmentation* (2017), §2; Keras, `losses.Tversky`.
public struct Tversky: LossOfSums {
  /// What a label counts that predictions miss.
  public let alpha: Double
  /// What a prediction counts that labels do not have.
  public let beta: Double
  /// The axes that are summed over, negative from the end; nil for all.
  public let axes: [Int]?
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; one number for a batch by default.
  public init(
    alpha: Double = 0.5, beta: Double = 0.5, axes: [Int]? = nil, reduction: Reduction = .auto,
    weight: Double = 1, on: StructurePath? = nil, name: String? = nil
  ) {
    self.alpha = alpha
    self.beta = beta
    self.axes = axes
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// `Σ t·p`, `Σ t·(1 − p)` and `Σ (1 − t)·p`; labels of another shape than predictions are an error.
  public func sums(_ inputs: LabelsAndPredictions) -> [Tensor] {
    let (labels, predictions) = paired(
      labels: inputs.yTrue, predictions: inputs.yPred, "tversky")
    return [
      labels * predictions, labels * (1 - predictions), (1 - labels) * predictions,
    ].map { sum($0, axes: axes) }
  }

  /// One number, or what the axes leave.
  public func value(of sums: [Tensor]) -> Tensor {
    1 - sums[0] / (sums[0] + sums[1] * alpha + sums[2] * beta + 1e-7)
  }

  /// Whether the first axis is summed over.
  public func isOverSamples(_ inputs: LabelsAndPredictions) -> Bool {
    hasFirst(axes, rank: inputs.yPred.rank)
  }
}

/// How little labels and predictions overlap, a scalar, or what `axes` leave; see ``Tversky``.
public func tversky(
  _ yTrue: Tensor, _ yPred: Tensor, alpha: Double = 0.5, beta: Double = 0.5, axes: [Int]? = nil
) -> Tensor {
  Tversky(alpha: alpha, beta: beta, axes: axes).call(
    LabelsAndPredictions(yTrue: yTrue, yPred: yPred))
}

/// Whether the first axis is one of these.
private func hasFirst(_ axes: [Int]?, rank: Int) -> Bool {
  axes?.contains { $0 == 0 || $0 == -rank } ?? true
}
