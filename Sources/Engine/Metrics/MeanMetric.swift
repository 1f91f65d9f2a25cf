import Tensors

/// The base of metrics that are a weighted mean of values: `Σ w·v / Σ w`.
///
/// A subclass conforms to ``MetricProtocol`` and calls ``add(_:sampleWeight:)`` in its `update`. Total and count are kept
/// in float64 and are added over ranks; the result is 0 before anything was counted. Unlike losses, metrics divide by the
/// sum of weights.
///
/// float64 has 29 bits more than float32, so the sum of float32 values is exact, in any order, unless the largest is that much
/// larger than the last bit of the smallest: a result does not depend on how the data is cut into batches and over ranks.
/// Weights of few bits (whole numbers, quarters) leave it so; with others, or values of float64, the last bits can differ.
open class MeanMetric: AnyMetric, FollowsWeighting {
  /// `Σ w·v` so far.
  public var total: Variable { state("total") }
  /// `Σ w` so far; the number of values without weights.
  public var count: Variable { state("count") }

  /// Counts values.
  ///
  /// - Parameters:
  ///   - values: `[batch]` or `[batch, ...]`.
  ///   - sampleWeight: broadcast to `values` as for losses: weights `[batch]` apply to values `[batch, time]`.
  public func add(_ values: Tensor, sampleWeight: Tensor? = nil) {
    let values = values.cast(to: .float64)
    guard let sampleWeight else {
      total.value = total.value + sum(values)
      count.value = count.value + Double(values.elementCount)
      return
    }
    let weights = spreadWeights(sampleWeight, over: values)
    total.value = total.value + sum(values * weights)
    count.value = count.value + sum(weights)
  }

  /// The mean of everything counted since ``AnyMetric/reset()``; a float64 scalar.
  open func result() -> Tensor { ratio(total.value, count.value) }
}

/// `a / b`, and 0 where `b` is 0.
func ratio(_ a: Tensor, _ b: Tensor) -> Tensor {
  let isEmpty = b .== 0
  return select(isEmpty, 0, a / select(isEmpty, 1, b))
}

extension Tensor {
  /// What a metric gives before it knows the shape of its result.
  static var zero: Tensor { Tensor(0.0, dtype: .float64) }
}

/// One weight for every value, in the type of the values.
func spreadWeights(_ sampleWeight: Tensor, over values: Tensor) -> Tensor {
  attempt {
    try aligned(sampleWeight.cast(to: values.dtype), to: values).broadcast(to: values.shape)
  }
}

/// Labels, predictions and weights: what most metrics ask for.
public struct WeightedPredictions: Decodable, Sendable {
  /// The labels, in the rank of `yPred` where one axis of length 1 is all that differs.
  public let yTrue: Tensor
  /// What the model says.
  public let yPred: Tensor
  /// One weight a sample, or nil.
  public let sampleWeight: Tensor?
}
