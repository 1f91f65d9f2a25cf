import Tensors

/// The layer that stands at an input of a graph; ``Input`` makes it.
///
/// - SeeAlso: Keras, `layers.InputLayer`.
public final class InputLayer: Module {
  /// The lengths of the axes, the batch first; nil for those that are open.
  public let shape: [Int?]
  /// What data is converted to.
  public let dtype: DType

  init(shape: [Int?], dtype: DType, name: String?) {
    self.shape = shape
    self.dtype = dtype
    super.init(name: name)
    leaveCreator()
  }

  /// `x` itself, of any shape.
  public func call(_ x: Tensor) -> Tensor { x }
}
