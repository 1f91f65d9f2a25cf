import CKernels

/// The gradient of an activation in one sweep: from the activation's output (or input) and the
/// incoming gradient.
///
/// What the activation's own rule could compose from three operations, a kernel does while the
/// values are in registers. The rule of this operation is composed, so that second derivatives
/// work.
package protocol ActivationGradient: Elementwise {
  /// Which kernel of CKernels computes it, from the activation's output or input and the gradient.
  var op: apus_gradient_op { get }
}

extension ActivationGradient {
  /// The kernel in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_gradient(op, inputs[0].code), output: inputs[0])
  }

  /// The shape of the inputs.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectEqual(inputs[0], inputs[1])
    return [inputs[0]]
  }
}

// MARK: ReLU

struct ReLUOperation: UnaryElementwise {
  static var op: apus_unary_op { APUS_RELU }

  /// `g` where `x > 0`, else 0 (at 0 as well, as TensorFlow and JAX have it).
  func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(ReLUGradient(), c.y, c.g)] }
}

/// The gradient of ``ReLUOperation``: `g` where the output `y` is above 0, else 0.
package struct ReLUGradient: ActivationGradient {
  package init() {}

  package var op: apus_gradient_op { APUS_RELU_GRAD }

  /// None for `y`, whose sign alone matters; the same mask for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [nil, apply1(self, c.inputs[0], c.g)]
  }
}

/// The rectifier `max(x, 0)` of each element, in the type of `x`; bool becomes int32.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.3.1.
public func relu(_ x: Tensor) -> Tensor { apply1(ReLUOperation(), numeric(x)) }

// MARK: Sigmoid

struct SigmoidOperation: UnaryElementwise {
  static var op: apus_unary_op { APUS_SIGMOID }

  /// `g · y · (1 − y)`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(SigmoidGradient(), c.y, c.g)] }
}

/// The gradient of ``SigmoidOperation``: `g · y · (1 − y)` with the output `y`.
struct SigmoidGradient: ActivationGradient {
  var op: apus_gradient_op { APUS_SIGMOID_GRAD }

  /// With incoming gradient `h`: `h · g · (1 − 2y)` for `y`, `h · y · (1 − y)` for `g`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(c.g * g * (1 - y * 2), apply1(self, y, c.g))
  }
}

/// The logistic sigmoid `1 / (1 + exp(-x))` of each element, in (0, 1); does not overflow. Integers become float32.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §3.10.
public func sigmoid(_ x: Tensor) -> Tensor { apply1(SigmoidOperation(), floating(x)) }

// MARK: Tanh

struct TanhOperation: UnaryElementwise {
  static var op: apus_unary_op { APUS_TANH }

  /// `g · (1 − y²)`, with output `y`.
  func gradient(_ c: GradientContext) -> [Tensor?] { [apply1(TanhGradient(), c.y, c.g)] }
}

/// The gradient of ``TanhOperation``: `g · (1 − y²)` with the output `y`.
package struct TanhGradient: ActivationGradient {
  package init() {}

  package var op: apus_gradient_op { APUS_TANH_GRAD }

  /// With incoming gradient `h`: `-2 h · g · y` for `y`, `h · (1 − y²)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (y, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(c.g * g * y * -2, apply1(self, y, c.g))
  }
}

/// The hyperbolic tangent of each element, in (-1, 1). Integers become float32.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §6.3.2.
public func tanh(_ x: Tensor) -> Tensor { apply1(TanhOperation(), floating(x)) }

// MARK: Softplus

struct SoftplusOperation: UnaryElementwise {
  static var op: apus_unary_op { APUS_SOFTPLUS }

  func gradient(_ c: GradientContext) -> [Tensor?] { [c.g * sigmoid(c.x)] }
}

/// Softplus, a smooth rectifier, `log(1 + exp(x))` of each element; does not overflow. Integers become float32.
///
/// - SeeAlso: Goodfellow, Bengio, Courville, *Deep Learning* (2016), §3.10.
public func softplus(_ x: Tensor) -> Tensor { apply1(SoftplusOperation(), floating(x)) }

extension Tensor {
  /// `max(x, 0)` of each element.
  public func relu() -> Tensor { Tensors.relu(self) }

  /// `1 / (1 + exp(-x))` of each element, in (0, 1).
  public func sigmoid() -> Tensor { Tensors.sigmoid(self) }

  /// The hyperbolic tangent of each element, in (-1, 1).
  public func tanh() -> Tensor { Tensors.tanh(self) }

  /// `log(1 + exp(x))` of each element; does not overflow.
  public func softplus() -> Tensor { Tensors.softplus(self) }
}
