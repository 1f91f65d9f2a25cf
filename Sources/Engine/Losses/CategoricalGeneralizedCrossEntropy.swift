import Foundation
import Tensors

/// A cross-entropy that wrong labels harm less: `(1 − p^q) / q` with the probability `p` of the label, for labels that are class numbers.
/// Near `−log p` for small `q`, near the mean absolute error for a `q` near 1.
///
/// Values of shape `[batch]` for labels `[batch]` or `[batch, 1]` and predictions `[batch, classes]`, which are probabilities; axes in
/// between stay. The slope of `p^q` is infinite at 0: below 1e-7 it is taken to be a straight line, so that gradients are finite. See
/// ``LossOptions`` for the other arguments.
///
/// - Note: Departs from Keras: a label outside `0 ..< classes` is an error that names it; Keras takes the probability of its class to be 0.
/// - SeeAlso: Zhang, Sabuncu, *Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels* (2018), equation 6;
///   Keras, `losses.CategoricalGeneralizedCrossEntropy`.
public struct CategoricalGeneralizedCrossEntropy: Loss, TakesClassNumbers {
  /// The exponent, between 0 and 1.
  public let q: Double
  /// Reduction, weight, part and name.
  public let options: LossOptions

  /// The loss; a `q` that is not between 0 and 1 fails with ``EngineError/invalidArgument(message:)`` when it is called.
  public init(
    q: Double = 0.5, reduction: Reduction = .auto, weight: Double = 1, on: StructurePath? = nil,
    name: String? = nil
  ) {
    self.q = q
    options = LossOptions(reduction: reduction, weight: weight, on: on, name: name)
  }

  /// One value a sample, `[batch]`; labels that are no class are an error.
  public func call(_ inputs: LabelsAndPredictions) -> Tensor {
    categoricalGeneralizedCrossEntropy(inputs.yTrue, inputs.yPred, q: q)
  }
}

/// The generalized cross-entropy of class numbers `[batch]` and probabilities `[batch, classes]`, `[batch]`; see
/// ``CategoricalGeneralizedCrossEntropy``.
public func categoricalGeneralizedCrossEntropy(
  _ yTrue: Tensor, _ yPred: Tensor, q: Double = 0.5
) -> Tensor {
  let operation = "categoricalGeneralizedCrossEntropy"
  guard q > 0, q < 1 else {
    return fail(
      EngineError.invalidArgument(
        message: "\(operation): q must be between 0 and 1, found \(q)"))
  }
  let predictions = floating(yPred)
  let labels = classNumbers(yTrue, for: predictions, operation)
  let p = takeAlong(predictions, labels, axis: -1)
  let least = 1e-7
  let power = select(p .> least, pow(maximum(p, least), q), p * Foundation.pow(least, q - 1))
  return (1 - power) / q
}
