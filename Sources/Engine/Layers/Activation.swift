import Tensors

/// An activation function as a layer: `Activation(.relu)`, or `Activation("relu")` by Keras's name.
///
/// Functions that have layers of their own (``Tanh``, ``SELU``, ...) have them as subclasses of this one.
///
/// - SeeAlso: Keras, `layers.Activation`.
public class Activation: Module, KeepsMask {
  /// What is applied.
  public let function: ActivationFunction

  /// A layer that applies `function`.
  public init(_ function: ActivationFunction, name: String? = nil) {
    self.function = function
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { function(x) }
}
