import Tensors

/// The first tensor minus the second: `Subtract()([a, b])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Subtract`.
public final class Subtract: Merge {
  override var count: Int? { 2 }

  override func merged(_ inputs: [Tensor]) -> Tensor { inputs[0] - inputs[1] }
}
