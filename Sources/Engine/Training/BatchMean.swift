import Tensors

/// `Σ w·v / Σ w` over a whole batch, that of all ranks: a mean in a loss or in `addLoss` that is not one over samples.
///
/// ```swift
/// addLoss("activity", batchMean(square(h), weights: mask))  // over the steps that count
/// ```
///
/// On several ranks one message of two numbers adds up numerator and denominator, and one their gradients (see
/// ``crossRankSum(_:)``, which every rank must call alike). 0 where the weights add up to 0, as without samples.
///
/// - Parameters:
///   - values: of any shape; their first axis is that of this rank's samples.
///   - weights: broadcast to `values` from the left, as those of a loss; nil counts each value once.
/// - Returns: a scalar.
public func batchMean(_ values: Tensor, weights: Tensor? = nil) -> Tensor {
  let values = floating(values)
  let weights = weights.map { spreadWeights($0, over: values) }
  let total = sum(weights.map { values * $0 } ?? values)
  let count = weights.map { sum($0) } ?? .full([], Double(values.elementCount), dtype: values.dtype)
  let both = crossRankSum(stack([total, count], axis: 0))
  return ratio(both[0], both[1])
}
