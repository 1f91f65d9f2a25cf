import Tensors

/// A rectifier that lets a part of negative inputs through: `x` above 0, `negativeSlope · x` below.
///
/// - SeeAlso: Maas, Hannun, Ng, *Rectifier Nonlinearities Improve Neural Network Acoustic Models* (2013), §2; Keras 3,
///   `layers.LeakyReLU`.
public final class LeakyReLU: Module, KeepsMask {
  /// The slope below 0.
  public let negativeSlope: Double

  /// A rectifier; the slope is 0.3 by default as in Keras.
  public init(negativeSlope: Double = 0.3, name: String? = nil) {
    self.negativeSlope = negativeSlope
    super.init(name: name)
  }

  /// The rectified input, of its shape.
  public func call(_ x: Tensor) -> Tensor { select(x .> 0, x, x * negativeSlope) }
}
