import Tensors

/// What a mask of steps that a module announced (``AnyModule/setMask(_:)``) does to losses and metrics.
///
/// - SeeAlso: Keras 3, `losses.loss.apply_mask`: a loss that is a mean divides by the steps that count.
struct OutputMask {
  /// bool `[batch, time]`.
  let mask: Tensor

  /// bool `[batch, time]`, or of the shape of a loss's values.
  init(mask: Tensor) { self.mask = mask }

  /// What counts for both the mask of the output and that of a loss's own values; the output's where there is no other.
  init?(_ output: OutputMask?, and own: Tensor?, about values: Tensor) {
    guard let own else {
      guard let output else { return nil }
      self = output
      return
    }
    mask =
      output.flatMap { output in
        guard output.isAbout(values) else { return nil }
        let ones = [Int](repeating: 1, count: own.rank - output.mask.rank)
        return logicalAnd(own, reshape(output.mask, Shape(output.mask.shape.dimensions + ones)))
      } ?? own
  }

  /// Whether `values` has a value for each step, or more.
  func isAbout(_ values: Tensor) -> Bool {
    values.rank >= mask.rank && zip(values.shape, mask.shape).allSatisfy { $0 == $1 }
  }

  /// How many steps count; a float64 scalar.
  var countedSteps: Tensor { sum(mask.cast(to: .float64)) }

  /// The weights of a loss's values: 0 for steps that do not count; of a mean, the others make up for them.
  ///
  /// - Parameters:
  ///   - weights: weights that fit `values`, or nil.
  ///   - values: one value a step, or several.
  ///   - isMean: whether the loss is divided by the number of its values.
  /// - Returns: the weights, in a shape that is broadcast to `values`; nil where all count alike.
  /// - Throws: ``EngineError`` where mask and values have different axes.
  func applied(
    to weights: Tensor?, of values: Tensor, isMean: Bool
  ) throws -> Tensor? {
    guard isAbout(values) else { return weights }
    let factor = mask.cast(to: values.dtype)
    return try multiplied(isMean ? dividing(factor, by: sum(factor)) : factor, weights)
  }

  /// The weights of the values of a mean over a number of steps, of which this mask may have a part only.
  func applied(
    to weights: Tensor?, of values: Tensor, countedSteps: Tensor
  ) throws -> Tensor? {
    let factor = mask.cast(to: values.dtype)
    return try multiplied(dividing(factor, by: countedSteps.cast(to: factor.dtype)), weights)
  }

  /// The mean over the elements of `factor` becomes one over `steps`; that over no steps is 0.
  private func dividing(_ factor: Tensor, by steps: Tensor) -> Tensor {
    factor * Double(mask.elementCount) / maximum(steps, 1)
  }

  /// The weights of a metric's samples.
  ///
  /// - Parameters:
  ///   - weights: weights of samples or steps, or nil.
  ///   - predictions: must have an axis beyond the steps, over which a metric takes its means.
  /// - Returns: a weight for each step; `weights` where the mask is not about `predictions`.
  /// - Throws: ``EngineError`` where mask and weights have different axes.
  func applied(to weights: Tensor?, ofMetricOn predictions: Tensor) throws -> Tensor? {
    guard predictions.rank > mask.rank, isAbout(predictions) else { return weights }
    return try multiplied(mask.cast(to: floating(predictions).dtype), weights)
  }

  private func multiplied(_ factor: Tensor, _ weights: Tensor?) throws -> Tensor {
    guard let weights else { return factor }
    return try factor * aligned(weights.cast(to: factor.dtype), to: factor)
  }
}
