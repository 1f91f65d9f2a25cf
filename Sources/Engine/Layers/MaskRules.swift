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

extension RNN: TakesMask {}
extension Bidirectional: TakesMask {}

/// A layer that works on each step by itself: the mask of its input is that of its output.
protocol KeepsMask: AnyModule {}

extension Activation: KeepsMask {}
extension ActivityRegularization: KeepsMask {}
extension AlphaDropout: KeepsMask {}
extension BatchNormalization: KeepsMask {}
extension Dropout: KeepsMask {}
extension GELU: KeepsMask {}
extension GaussianDropout: KeepsMask {}
extension GaussianNoise: KeepsMask {}
extension GroupNormalization: KeepsMask {}
extension Identity: KeepsMask {}
extension LayerNormalization: KeepsMask {}
extension LeakyReLU: KeepsMask {}
extension Linear: KeepsMask {}
extension LogSoftmax: KeepsMask {}
extension MLP: KeepsMask {}
extension Normalization: KeepsMask {}
extension PReLU: KeepsMask {}
extension RMSNormalization: KeepsMask {}
extension ReLU: KeepsMask {}
extension Rescaling: KeepsMask {}
extension Softmax: KeepsMask {}
extension SpatialDropout: KeepsMask {}
extension TimeDistributed: KeepsMask {}
extension UnitNormalization: KeepsMask {}
