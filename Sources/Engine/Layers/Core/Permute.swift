import Tensors

/// The axes of every sample in another order: `Permute([2, 1])` makes `[batch, a, b]` to `[batch, b, a]`.
///
/// - SeeAlso: Keras, `layers.Permute`.
public final class Permute: Module {
  /// Axis `i` of the output is axis `axes[i − 1]` of the input; counted from 1, since the axis of the batch stays.
  public let axes: [Int]

  /// A layer that gives samples their axes in this order; anything but an order of 1, 2, ... fails with
  /// ``EngineError/invalidArgument(message:)``.
  public init(_ axes: [Int], name: String? = nil) {
    self.axes = axes
    super.init(name: name)
    if axes.sorted() != Array(1..<axes.count + 1) {
      wrongArgument("axes", must: "be 1, 2, ... in some order", got: "\(axes)")
    }
  }

  /// `[batch, ...]` to a view with the axes after the batch in the order of ``axes``.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == axes.count + 1, !x.isInvalid else {
      return wrongInput(x, expected: "[batch, ...] with \(axes.count) axes after the batch")
    }
    return x.transpose([0] + axes)
  }
}
