import Tensors

/// An activation function as a layer: `Activation(.relu)`, or `Activation("relu")` by Keras's name.
///
/// Functions that have layers of their own (``Tanh``, ``SELU``, ...) have them as subclasses of this one.
///
/// - SeeAlso: Keras, `layers.Activation`.
public class Activation: Module, KeepsMask {
  /// What ``call(_:)`` applies, element by element or along the last axis.
  public let function: ActivationFunction

  /// A layer that applies `function`.
  public init(_ function: ActivationFunction, name: String? = nil) {
    self.function = function
    super.init(name: name)
  }

  /// The function's value, of the shape of `x`.
  public func call(_ x: Tensor) -> Tensor { function(x) }
}

// Layers without anything of their own but a function: see ``ActivationFunction`` for formulas and sources.

// Functions that saturate.

/// Hyperbolic tangent as a layer.
public final class Tanh: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.tanh, name: name) }
}

/// `1 / (1 + e⁻ˣ)` as a layer.
public final class Sigmoid: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.sigmoid, name: name) }
}

/// `log sigmoid(x)` as a layer.
public final class LogSigmoid: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.logSigmoid, name: name) }
}

/// `x/6 + ½`, at least 0 and at most 1, as a layer.
public final class HardSigmoid: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.hardSigmoid, name: name) }
}

/// `x`, at least −1 and at most 1, as a layer.
public final class HardTanh: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.hardTanh, name: name) }
}

/// `x / (1 + |x|)` as a layer.
public final class Softsign: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.softsign, name: name) }
}

// Rectifiers and what is like them.

/// `min(max(x, 0), 6)` as a layer.
public final class ReLU6: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.relu6, name: name) }
}

/// `x` above 0, `alpha · (eˣ − 1)` below, as a layer.
public final class ELU: Activation {
  /// A layer that goes to `-alpha` far below 0.
  public init(alpha: Double = 1, name: String? = nil) { super.init(.elu(alpha: alpha), name: name) }
}

/// `elu` scaled so that activations keep mean 0 and variance 1, as a layer.
public final class SELU: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.selu, name: name) }
}

/// `x` above 0, `alpha · (e^(x/alpha) − 1)` below, as a layer.
public final class CELU: Activation {
  /// A layer that applies ``ActivationFunction/celu(alpha:)`` to an input of any shape.
  public init(alpha: Double = 1, name: String? = nil) {
    super.init(.celu(alpha: alpha), name: name)
  }
}

/// `log(1 + eˣ)` as a layer.
public final class Softplus: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.softplus, name: name) }
}

/// `x · sigmoid(x)`, also called swish, as a layer.
public final class SiLU: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.silu, name: name) }
}

/// `x · hardSigmoid(x)` as a layer.
public final class HardSiLU: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.hardSiLU, name: name) }
}

/// `x · tanh(softplus(x))` as a layer.
public final class Mish: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.mish, name: name) }
}

/// The first half of the last axis times the sigmoid of the second as a layer.
public final class GLU: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.glu, name: name) }
}

// Others.

/// `x − tanh(x)` as a layer.
public final class TanhShrink: Activation {
  /// A layer of this name; without one it is named after its type.
  public init(name: String? = nil) { super.init(.tanhShrink, name: name) }
}

/// `x` moved towards 0 by `threshold`, and 0 within it, as a layer.
public final class SoftShrink: Activation {
  /// A layer that applies ``ActivationFunction/softShrink(threshold:)`` to an input of any shape.
  public init(threshold: Double = 0.5, name: String? = nil) {
    super.init(.softShrink(threshold: threshold), name: name)
  }
}

/// `x`, but 0 within `threshold` of 0, as a layer.
public final class HardShrink: Activation {
  /// A layer that applies ``ActivationFunction/hardShrink(threshold:)`` to an input of any shape.
  public init(threshold: Double = 0.5, name: String? = nil) {
    super.init(.hardShrink(threshold: threshold), name: name)
  }
}
