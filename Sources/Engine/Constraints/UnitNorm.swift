import Tensors

/// Vectors along some axes have length 1.
///
/// - SeeAlso: Keras, `constraints.UnitNorm`.
public struct UnitNorm: Constraint {
  /// The axes of a vector.
  public let axes: [Int]

  /// The constraint; of vectors along the first axis by default.
  public init(axes: [Int] = [0]) { self.axes = axes }

  /// `w / (‖w‖ + 1e-7)`.
  public func callAsFunction(_ parameter: Tensor) -> Tensor {
    parameter / (norms(of: parameter, axes: axes) + 1e-7)
  }
}
