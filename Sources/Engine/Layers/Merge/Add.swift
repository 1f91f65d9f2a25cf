import Tensors

/// The sum of tensors: `Add()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Add`.
public final class Add: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], +)
  }
}
