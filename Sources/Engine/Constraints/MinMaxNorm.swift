import Tensors

/// Vectors along some axes have lengths within bounds, or go a part of the way there.
///
/// - SeeAlso: Keras, `constraints.MinMaxNorm`.
public struct MinMaxNorm: Constraint {
  /// The least length.
  public let minValue: Double
  /// The greatest length.
  public let maxValue: Double
  /// Which part of the way a vector goes: 1 for all of it.
  public let rate: Double
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; Keras's defaults.
  public init(
    minValue: Double = 0, maxValue: Double = 1, rate: Double = 1, axes: [Int] = [0]
  ) {
    self.minValue = minValue
    self.maxValue = maxValue
    self.rate = rate
    self.axes = axes
  }

  /// `w · length / (‖w‖ + 1e-7)` where `length` is `rate · clipped ‖w‖ + (1 − rate) · ‖w‖`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    let norms = norms(of: parameter, axes: axes)
    let clipped = minimum(maximum(norms, minValue), maxValue)
    return scaled(parameter, to: clipped * rate + norms * (1 - rate), from: norms)
  }
}
