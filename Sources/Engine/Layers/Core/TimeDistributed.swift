import Tensors

/// A layer applied to every step: all steps of all samples are one batch for it.
///
/// Input `[batch, time, ...]`, output `[batch, time, ...]` with what the layer makes of a step.
///
/// ```swift
/// TimeDistributed(Conv2D(16, kernelSize: 3))      // on [batch, time, height, width, channels]
/// ```
///
/// - SeeAlso: Keras, `layers.TimeDistributed`.
public final class TimeDistributed: Module, KeepsMask {
  /// What is applied; from a tensor to a tensor.
  public let layer: AnyModule

  /// `layer` at every step.
  public init(_ layer: AnyModule, name: String? = nil) {
    self.layer = layer
    super.init(name: name)
  }

  /// `[batch, time, ...]` to `[batch, time, ...]`.
  public func call(_ x: Tensor) -> Tensor {
    guard x.rank >= 3, !x.isInvalid else {
      return wrongInput(x, expected: "[batch, time, ...] with a shape of each step")
    }
    let steps = Array(x.shape.dimensions.prefix(2))
    let count = steps.reduce(1, *)
    do {
      let samples = x.reshape(Shape([count] + x.shape.dimensions.dropFirst(2)))
      let y = try NoisePlace.withRows(times: steps[1]) { try layer.apply(to: samples) }
      guard y.rank >= 1, y.shape[0] == count else {
        if y.isInvalid { return y }
        return wrongInput(y, expected: "an output of \(layer.typeName) with \(count) samples")
      }
      return y.reshape(Shape(steps + y.shape.dimensions.dropFirst()))
    } catch {
      return fail(EngineError.model(message: "\(typeName) of \(layer.typeName): \(error)"))
    }
  }
}
