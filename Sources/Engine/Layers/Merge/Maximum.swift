import Tensors

/// The largest of each element of tensors: `Maximum()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Maximum`.
public final class Maximum: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], maximum)
  }
}
