import CKernels

/// The gradient of ``GELUOperation``: `g · gelu'(x)` with the input `x`.
package struct GELUGradient: ActivationGradient {
  /// Whether the gradient is that of the approximation with tanh.
  package let approximate: Bool

  /// The gradient of the exact function, or of the approximation.
  package init(approximate: Bool) { self.approximate = approximate }

  /// The gradient in C.
  package var op: apus_gradient_op { approximate ? APUS_GELU_TANH_GRAD : APUS_GELU_GRAD }

  /// With incoming gradient `h`: `h · g · gelu''(x)` for `x`, `h · gelu'(x)` for `g`.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    let (x, g) = (c.inputs[0], c.inputs[1])
    return c.wanted(
      c.g * g * (approximate ? tanhCurvature(x) : exactCurvature(x)),
      apply1(GELUGradient(approximate: approximate), x, c.g))
  }

  /// `φ(x) (2 − x²)`: the derivative of `Φ + x φ`, since `φ' = -x φ`.
  private func exactCurvature(_ x: Tensor) -> Tensor {
    // 1/√(2π)
    let density = exp(square(x) * -0.5) * 0.3989422804014327
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
