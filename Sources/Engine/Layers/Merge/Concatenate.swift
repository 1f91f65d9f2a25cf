import Tensors

/// Tensors one after the other along an axis: `Concatenate()([a, b, c])`.
///
/// Input: a list of tensors that are equal in all lengths but that of the axis.
///
/// - SeeAlso: Keras, `layers.Concatenate`.
public final class Concatenate: Module {
  /// The axis, negative from the end.
  public let axis: Int

  /// A layer that joins along the last axis, or along `axis`.
  public init(axis: Int = -1, name: String? = nil) {
    self.axis = axis
    super.init(name: name)
  }

  /// Tensors with shapes that are equal but along the axis, to one that is as long there as all together.
  public func call(_ inputs: [Tensor]) -> Tensor {
    func others(_ x: Tensor) -> [Int]? {
      guard !x.isInvalid, (-x.rank..<x.rank).contains(axis) else { return nil }
      var lengths = x.shape.dimensions
      lengths[axis < 0 ? axis + x.rank : axis] = -1
      return lengths
    }
    guard let first = inputs.first.flatMap(others), inputs.allSatisfy({ others($0) == first })
    else {
      return wrongInputs(
        inputs, expected: "tensors that are equal in all lengths but that of axis \(axis)")
    }
    return concatenate(inputs, axis: axis)
  }
}
