import Tensors

/// Connectionist temporal classification: the negative logarithm of the probability of a sequence of labels, whatever the steps at
/// which each label is said. For speech and handwriting, where no one knows which step belongs to which label.
///
/// Values of shape `[batch]` for labels `[batch, labels]` and predictions `[batch, time, classes]`, which are logits. Class 0 is the
/// blank, and so no label: labels are in `1 ..< classes`, with zeros behind the last one of a sequence; what is not 0 is counted,
/// and that many labels from the front are taken. All steps are used. ``ctcLoss(target:output:targetLength:outputLength:maskIndex:)`` takes lengths and
/// another blank, in a loss of one's own. See ``LossOptions`` for the arguments.
///
/// Labels that do not fit into the steps, with one step more for each pair of equal neighbours, give a loss of about 100 000, with
/// finite gradients, as in Keras; PyTorch gives infinity.
///
/// - Note: Departs from Keras: a label outside `0 ..< classes` is an error that names it; Keras gives a number without meaning.
/// - SeeAlso: Graves, Fernández, Gomez, Schmidhuber, *Connectionist Temporal Classification* (2006), §4.1; Keras, `losses.CTC`.
public struct CTC: Loss, TakesClassNumbers {
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// A loss that is logged under `name`, or its type's; see ``LossOptions`` for the arguments.
  public init(
    reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sequence, `[batch]`; labels that are no class are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor { ctc(inputs.yTrue, inputs.yPred) }
}

/// The loss of label sequences `[batch, labels]` and logits `[batch, time, classes]`, `[batch]`; see ``CTC``.
public func ctc(_ yTrue: Tensor, _ yPred: Tensor) -> Tensor {
  guard yTrue.rank == 2, yPred.rank == 3, yTrue.shape[0] == yPred.shape[0] else {
    return fail(
      EngineError.shape(
        operation: "ctc",
        message: "labels must be [batch, labels] and predictions [batch, time, classes], found "
          + "\(yTrue.shape) and \(yPred.shape)"))
  }
  let count = sum((yTrue .!= 0).cast(to: .int32), axis: -1)
  let steps = Tensor.full([yPred.shape[0]], yPred.shape[1], dtype: .int32)
  return ctcLoss(target: yTrue, output: yPred, targetLength: count, outputLength: steps)
}
