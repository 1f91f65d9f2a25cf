import Tensors

/// Every sample in another shape: `[batch, ...]` to `[batch] + shape`.
///
/// - SeeAlso: Keras, `layers.Reshape`.
public final class Reshape: Module {
  /// The shape of a sample; one length may be -1 and is then found from the others.
  public let shape: Shape

  /// A layer that gives samples this shape.
  public init(_ shape: Shape, name: String? = nil) {
    self.shape = shape
    super.init(name: name)
  }

  /// `[batch, ...]` to `[batch] + shape`; a view of the input where its memory allows.
  public func call(_ x: Tensor) -> Tensor {
    let expected: ErrorText = "[batch, ...] with samples that fill \(shape)"
    guard x.rank >= 1, !x.isInvalid else { return wrongInput(x, expected: expected) }
    // The unknown length is found from one sample: a batch may have none.
    let count = x.shape.dimensions.dropFirst().reduce(1, *)
    let known = shape.filter { $0 != -1 }.reduce(1, *)
    let unknown = shape.count { $0 == -1 }
    let fits = unknown == 0 ? known == count : unknown == 1 && known > 0 && count % known == 0
    guard fits else { return wrongInput(x, expected: expected) }
    return reshape(x, Shape([x.shape[0]] + shape.map { $0 == -1 ? count / known : $0 }))
  }
}
