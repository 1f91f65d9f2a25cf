import Engine

// snippet: layer
/// Each step of a sequence times a number in (0, 1) for each feature, which depends on that step.
final class Gate: Module, KeepsMask {
  /// An output of the shape of `x`, `[..., features]`.
  func call(_ x: Tensor) -> Tensor { x * sigmoid(Linear(x.shape[-1])(x)) }
}
// end
