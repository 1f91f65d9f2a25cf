import Tensors

/// A layer that can be given the mask of its input.
protocol TakesMask: AnyModule {
  /// Calls the layer on `x` of which the steps in `mask` `[batch, time]` count.
  func call(_ x: Tensor, mask: Tensor) throws -> Structure
}

extension TakesMask {
  /// For layers whose input has the fields `x` and `mask`.
  func call(_ x: Tensor, mask: Tensor) throws -> Structure {
    try call(structure: ["x": .tensor(x), "mask": .tensor(mask)])
  }
}
