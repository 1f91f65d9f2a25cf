/// What is done to gradients before an update, after they are added over ranks: one of three, as in Keras.
public enum GradientClipping: Hashable, Sendable {
  /// Each element between -value and value.
  case value(Double)
  /// Each gradient scaled so that its L2 norm is at most this.
  case norm(Double)
  /// All gradients scaled by one factor so that their common L2 norm is at most this.
  case globalNorm(Double)

  /// The clipped gradients.
  func apply(_ gradients: [Tensor]) -> [Tensor] {
    switch self {
    case .value(let limit):
      return gradients.map {
        minimum(maximum($0, Tensor(-limit, dtype: $0.dtype)), Tensor(limit, dtype: $0.dtype))
      }
    case .norm(let limit):
      return gradients.map { $0 * factor(sum(square($0)), limit) }
    case .globalNorm(let limit):
      guard let first = gradients.first else { return [] }
      let total = gradients.dropFirst().reduce(sum(square(first))) { $0 + sum(square($1)) }
      return gradients.map { $0 * factor(total, limit).cast(to: $0.dtype) }
    }
  }

  /// limit / max(norm, limit): 1 for small gradients, and no division by zero.
  private func factor(_ squares: Tensor, _ limit: Double) -> Tensor {
    let bound = Tensor(limit, dtype: squares.dtype)
    return bound / maximum(sqrt(squares), bound)
  }
}
