import CKernels

struct Erf: UnaryElementwise {
  static var op: apus_unary_op { APUS_ERF }

  /// `g · 2/√π · exp(−x²)`.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    let scale = 1.1283791670955126  // 2/√π
    return [c.g * scale * exp(-square(c.x))]
  }
}

/// The error function `2/√π ∫₀ˣ exp(-t²) dt` of each element, in (-1, 1). Integers become float32.
///
/// - SeeAlso: Abramowitz, Stegun, *Handbook of Mathematical Functions* (1964), §7.1.
public func erf(_ x: Tensor) -> Tensor { apply1(Erf(), floating(x)) }

struct GELUOperation: Elementwise {
  /// Whether to use `½x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
  let approximate: Bool

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    return inputs
  }

  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(
      apus_unary(approximate ? APUS_GELU_TANH : APUS_GELU, inputs[0].code), output: inputs[0])
  }

  /// `g · gelu'(x)`, see ``GELUGradient``.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(GELUGradient(approximate: approximate), c.x, c.g)]
  }
}

/// The gradient of ``GELUOperation``: `g · gelu'(x)` with the input `x`.
package struct GELUGradient: ActivationGradient {
  /// Whether the gradient is that of the approximation with tanh.
  package let approximate: Bool

  package init(approximate: Bool) { self.approximate = approximate }

  package var op: apus_gradient_op { approximate ? APUS_GELU_TANH_GRAD : APUS_GELU_GRAD }

  /// With incoming gradient `h`: `h · g · gelu''(x)` for `x`, `h · gelu'(x)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(
      c.g * g * (approximate ? tanhCurvature(x) : exactCurvature(x)), apply1(self, x, c.g))
  }

  /// `φ(x) (2 − x²)`: the derivative of `Φ + x φ`, since `φ' = -x φ`.
  private func exactCurvature(_ x: Tensor) -> Tensor {
    let density = exp(square(x) * -0.5) * 0.3989422804014327  // 1/√(2π)
    return density * (2 - square(x))
  }

  /// With `u = √(2/π)(x + a x³)` and `t = tanh u`: `(1 − t²) (u' + ½x (u'' − 2 t u'²))`.
  private func tanhCurvature(_ x: Tensor) -> Tensor {
    let scale = 0.7978845608028654  // √(2/π)
    let cubic = 0.044715
    let squared = square(x)
    let t = tanh(x * (squared * cubic + 1) * scale)
    let first = (squared * (3 * cubic) + 1) * scale
    let second = x * (6 * cubic * scale)
    let bend = second - t * square(first) * 2
    return (1 - square(t)) * (first + x * bend * 0.5)
  }
}

/// The Gaussian error linear unit `x · Φ(x)` of each element, with the normal distribution function `Φ`. Integers become
/// float32.
///
/// - Parameters:
///   - x: of any shape.
///   - approximate: whether to use `½x (1 + tanh(√(2/π) (x + 0.044715 x³)))`; false, as in Keras.
/// - Returns: of the shape of `x`.
/// - SeeAlso: Hendrycks, Gimpel, *Gaussian Error Linear Units* (2016), §2.
public func gelu(_ x: Tensor, approximate: Bool = false) -> Tensor {
  apply1(GELUOperation(approximate: approximate), floating(x))
}

extension Tensor {
  /// The error function of each element, in (-1, 1).
  public func erf() -> Tensor { Tensors.erf(self) }

  /// The Gaussian error linear unit of each element; see ``gelu(_:approximate:)``.
  public func gelu(approximate: Bool = false) -> Tensor {
    Tensors.gelu(self, approximate: approximate)
  }
}
