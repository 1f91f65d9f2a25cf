import Tensors

/// The product of tensors, element by element: `Multiply()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Multiply`.
public final class Multiply: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], *)
  }
}
