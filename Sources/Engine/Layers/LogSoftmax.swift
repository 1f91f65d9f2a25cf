import Tensors

/// The logarithm of softmax along an axis as a layer.
///
/// - SeeAlso: `logSoftmax(_:axis:)`.
public final class LogSoftmax: Module, KeepsMask {
  /// The axis.
  public let axis: Int

  /// The layer; the last axis by default.
  public init(axis: Int = -1, name: String? = nil) {
    self.axis = axis
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { logSoftmax(x, axis: axis) }
}
