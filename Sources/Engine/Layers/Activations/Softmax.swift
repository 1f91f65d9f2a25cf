import Tensors

/// `eˣ / Σ eˣ` along an axis as a layer: positive numbers that add up to 1.
///
/// - SeeAlso: `softmax(_:axis:)`.
public final class Softmax: Module, KeepsMask {
  /// The axis along which numbers add up to 1; negative from the end.
  public let axis: Int

  /// The layer; the last axis by default.
  public init(axis: Int = -1, name: String? = nil) {
    self.axis = axis
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { softmax(x, axis: axis) }
}

/// The logarithm of softmax along an axis as a layer.
///
/// - SeeAlso: `logSoftmax(_:axis:)`.
public final class LogSoftmax: Module, KeepsMask {
  /// The axis along which numbers add up to 1; negative from the end.
  public let axis: Int

  /// The layer; the last axis by default.
  public init(axis: Int = -1, name: String? = nil) {
    self.axis = axis
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { logSoftmax(x, axis: axis) }
}
