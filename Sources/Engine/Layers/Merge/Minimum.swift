import Tensors

/// The smallest of each element of tensors: `Minimum()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Minimum`.
public final class Minimum: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], minimum)
  }
}
