import Tensors

/// The mean of tensors, element by element: `Average()([a, b, c])`.
///
/// Shapes as in ``Merge``.
///
/// - SeeAlso: Keras, `layers.Average`.
public final class Average: Merge {
  override func merged(_ inputs: [Tensor]) -> Tensor {
    inputs.dropFirst().reduce(inputs[0], +) / Double(inputs.count)
  }
}
