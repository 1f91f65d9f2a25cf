import Tensors

/// A loss that is no mean over samples, but a function of sums over all samples of a batch, such as ``Dice``.
///
/// ```swift
/// struct RelativeError: LossOfSums {
///   var options = LossOptions()
///   func sums(_ i: LabelsAndPredictions) -> [Tensor] {
///     [sum(square(i.yTrue - i.yPred)), sum(square(i.yTrue))]
///   }
///   func value(of sums: [Tensor]) -> Tensor { sums[0] / sums[1] }
/// }
/// ```
///
/// On several ranks with ``LossScaling/globalBatch`` the sums are those over all ranks, in one message forward and one backward: the
/// loss and its gradients are those of one process. With ``LossScaling/replicas`` each rank has the loss of its own share, and the mean over ranks
/// counts, as in Keras; so it is where the loss is called outside of `Model`.
///
/// What such a loss gives are no values of samples: with sample or class weights it is an error, unless it asks for `sampleWeight` and weighs
/// the terms of its sums.
public protocol LossOfSums: Loss where Output == Tensor {
  /// What the loss asks for, by name.
  associatedtype Inputs
  /// A tensor.
  associatedtype Output = Tensor
  /// The sums over the samples that there are, each of any shape; 0 for no samples.
  func sums(_ inputs: Inputs) -> [Tensor]
  /// The loss, from the sums in their order.
  func value(of sums: [Tensor]) -> Tensor
  /// Whether the sums are over samples; else the loss has a value for each, like any other. True by default.
  func isOverSamples(_ inputs: Inputs) -> Bool
}

extension LossOfSums {
  /// True.
  public func isOverSamples(_ inputs: Inputs) -> Bool { true }

  /// The loss of these samples.
  public func call(_ inputs: Inputs) -> Tensor { value(of: sums(inputs)) }

  /// The loss of all samples; nil where it has a value for each.
  func value(ofAny inputs: Any, overRanks: (Tensor) -> Tensor) -> Tensor? {
    guard let inputs = inputs as? Inputs, isOverSamples(inputs) else { return nil }
    let own = sums(inputs)
    // One message for all of them.
    let all = overRanks(concatenate(own.map { reshape($0, [-1]) }, axis: 0))
    var start = 0
    return value(
      of: own.map { sum in
        let end = start + sum.elementCount
        defer { start = end }
        return reshape(slice(all, axis: 0, from: start, to: end), sum.shape)
      })
  }
}
