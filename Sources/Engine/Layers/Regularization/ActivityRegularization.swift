import Tensors

/// The identity, with a penalty on what passes through: `l1 · Σ|x| + l2 · Σx²` a sample, added to the loss.
///
/// - SeeAlso: Keras, `layers.ActivityRegularization`.
public final class ActivityRegularization: Module, KeepsMask {
  private let regularizer: L1L2

  /// The layer; no penalty by default as in Keras.
  public init(l1: Double = 0, l2: Double = 0, name: String? = nil) {
    regularizer = L1L2(l1: l1, l2: l2)
    super.init(name: name)
  }

  /// `x` itself, of any shape; the penalty joins the losses.
  public func call(_ x: Tensor) -> Tensor {
    regularize(activity: x, with: regularizer)
    return x
  }
}
