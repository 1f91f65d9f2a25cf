import Tensors

/// Even over ±scale · √(3 / inputs), where a unit has as many inputs as the kernel has elements for it: signals keep their
/// size, times `scale`.
///
/// - SeeAlso: Sussillo, Abbott, *Random Walk Initialization for Training Very Deep Feedforward Networks* (2014), §3; Elegy,
///   `initializers.UniformScaling`.
public struct UniformScaling: Initializer {
  /// What signals are multiplied by.
  public let scale: Double

  /// The initializer.
  public init(scale: Double = 1) { self.scale = scale }

  /// Numbers drawn from `key`.
  public func callAsFunction(_ shape: Shape, dtype: DType, key: RandomKey) -> Tensor {
    let inputs = Swift.max(shape.dimensions.dropLast().reduce(1, *), 1)
    let limit = scale * (3 / Double(inputs)).squareRoot()
    return Draw.uniform(shape, dtype, key, low: -limit, high: limit)
  }
}
