import Tensors

/// Vectors along some axes are at most so long: longer ones are scaled down.
///
/// With axis 0 a vector holds the weights of one unit of a kernel `[in, units]`; for one filter of a kernel
/// `[rows, columns, in, filters]` take axes 0, 1 and 2.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting* (2014), §5.1;
///   Keras, `constraints.MaxNorm`.
public struct MaxNorm: Constraint {
  /// The greatest length.
  public let maxValue: Double
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; Keras's defaults.
  public init(_ maxValue: Double = 2, axes: [Int] = [0]) {
    self.maxValue = maxValue
    self.axes = axes
  }

  /// `w · min(‖w‖, maxValue) / (‖w‖ + 1e-7)`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    let norms = norms(of: parameter, axes: axes)
    return scaled(parameter, to: minimum(norms, maxValue), from: norms)
  }
}
