import Tensors

/// Scales vectors along some axes to length 1; those shorter than 1e-12 stay short.
///
/// - SeeAlso: Keras, `layers.UnitNormalization`.
public final class UnitNormalization: Module, KeepsMask {
  /// The axes of a vector.
  public let axes: [Int]

  /// A layer of vectors along the last axis, or along `axes`.
  public init(axes: [Int] = [-1], name: String? = nil) {
    self.axes = axes
    super.init(name: name)
  }

  /// An output of the input's shape.
  public func call(_ x: Tensor) -> Tensor {
    guard let axes = axesFromFront(axes, of: x) else { return .invalid }
    return normalize(x, axes: axes)
  }
}
