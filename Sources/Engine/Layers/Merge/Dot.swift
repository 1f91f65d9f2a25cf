import Tensors

/// Scalar products of the vectors along one axis of each of two tensors, sample by sample: `Dot(axes: 1)([a, b])`.
///
/// Input: two tensors `[batch, ...]`. The output has the axis of the batch, then those of the first and those of the second
/// tensor without the axes of the vectors; `[batch, 1]` when none are left.
///
/// - SeeAlso: Keras, `layers.Dot`.
public final class Dot: Module {
  /// The axis of vectors of the first tensor, negative from the end.
  public let first: Int
  /// The axis of vectors of the second tensor.
  public let second: Int
  /// Whether vectors are scaled to length 1 first: the products are then cosines.
  public let normalize: Bool

  /// A layer with one axis for each tensor.
  public init(axes: (Int, Int), normalize: Bool = false, name: String? = nil) {
    (first, second) = axes
    self.normalize = normalize
    super.init(name: name)
  }

  /// A layer with one axis for both tensors.
  public convenience init(axes: Int, normalize: Bool = false, name: String? = nil) {
    self.init(axes: (axes, axes), normalize: normalize, name: name)
  }

  /// Two tensors `[batch, ...]` to one.
  public func call(_ inputs: [Tensor]) -> Tensor {
    guard inputs.count == 2, inputs.allSatisfy({ $0.rank >= 2 && !$0.isInvalid }),
      inputs[0].shape[0] == inputs[1].shape[0],
      let i = position(first, inputs[0]), let j = position(second, inputs[1]),
      inputs[0].shape[i] == inputs[1].shape[j]
    else {
      return wrongInputs(
        inputs,
        expected: """
          two tensors [batch, ...] with one batch size, and one length along axis \(first) of the \
          first and axis \(second) of the second
          """)
    }
    var (x, y) = (inputs[0], inputs[1])
    if normalize {
      x = Engine.normalize(x, axes: [i], epsilon: 1e-7)
      y = Engine.normalize(y, axes: [j], epsilon: 1e-7)
    }
    let (batch, length) = (x.shape[0], x.shape[i])
    let others = [(x, i), (y, j)].map { x, axis in (1..<x.rank).filter { $0 != axis } }
    let rows = others[0].map { x.shape[$0] }
    let columns = others[1].map { y.shape[$0] }
    // [batch, rows, length] times [batch, length, columns].
    let a = reshape(x.transpose([0] + others[0] + [i]), [batch, rows.reduce(1, *), length])
    let b = reshape(y.transpose([0, j] + others[1]), [batch, length, columns.reduce(1, *)])
    let left = rows + columns
    return reshape(matmul(a, b), Shape([batch] + (left.isEmpty ? [1] : left)))
  }

  /// An axis from the front, unless there is no such axis or it is that of the batch.
  private func position(_ axis: Int, _ x: Tensor) -> Int? {
    let position = axis < 0 ? axis + x.rank : axis
    return (1..<x.rank).contains(position) ? position : nil
  }
}
