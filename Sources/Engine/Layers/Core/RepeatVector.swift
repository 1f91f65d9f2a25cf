import Tensors

/// Every sample several times: `[batch, features]` to `[batch, count, features]`.
///
/// - SeeAlso: Keras, `layers.RepeatVector`.
public final class RepeatVector: Module {
  /// The number of times that a sample stands in the output.
  public let count: Int

  /// A layer that repeats; less than once fails with ``EngineError/invalidArgument(message:)``.
  public init(_ count: Int, name: String? = nil) {
    self.count = count
    super.init(name: name)
    if count < 1 { wrongArgument("count", must: "be positive", got: "\(count)") }
  }

  /// `[batch, features]` to a view `[batch, count, features]`.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank == 2, !x.isInvalid else {
      return wrongInput(x, expected: "[batch, features]")
    }
    return expandDims(x, axis: 1).broadcast(to: [x.shape[0], count, x.shape[1]])
  }
}
