import Tensors

/// What is done to gradients before an update, after they are added over ranks: one of three, as in Keras.
public enum GradientClipping: Hashable, Sendable {
  /// Each element between -value and value.
  case value(Double)
  /// Each gradient scaled so that its L2 norm is at most this; all NaN when the norm is infinite or NaN.
  case norm(Double)
  /// All gradients scaled by one factor so that their common L2 norm is at most this; all NaN when it is infinite or NaN.
  case globalNorm(Double)

  /// Whether one gradient can be clipped only when all are there: on ranks the first update waits for the last sum then.
  var needsAllGradients: Bool { if case .globalNorm = self { true } else { false } }

  /// The gradients in their order, clipped all together or each by itself.
  func apply(_ gradients: [Tensor]) -> [Tensor] {
    switch self {
    case .value(let limit):
      return gradients.map {
        minimum(maximum($0, Tensor(-limit, dtype: $0.dtype)), Tensor(limit, dtype: $0.dtype))
      }
    case .norm(let limit):
      return gradients.map { $0 * factor(of: [$0], limit).cast(to: $0.dtype) }
    case .globalNorm(let limit):
      guard !gradients.isEmpty else { return [] }
      let factor = factor(of: gradients, limit)
      return gradients.map { $0 * factor.cast(to: $0.dtype) }
    }
  }

  /// limit / max(norm, limit) in float64: 1 for small gradients, and no division by zero. NaN for a norm that is not
  /// finite, so that no infinity passes for a step of 0.
  private func factor(of gradients: [Tensor], _ limit: Double) -> Tensor {
    let norm = Tensors.globalNorm(gradients)
    return limit / maximum(norm, limit) + (norm - norm)
  }
}
