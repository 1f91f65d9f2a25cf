import CKernels

/// Elementwise Gaussian error linear unit `x · Φ(x)`, with the normal distribution function `Φ`.
///
/// - SeeAlso: Hendrycks, Gimpel, *Gaussian Error Linear Units* (2016), §2.
package struct GELUOperation: Elementwise {
  /// Whether to use `½x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
  package let approximate: Bool

  /// The exact function, or the approximation with tanh.
  package init(approximate: Bool) { self.approximate = approximate }

  /// The shape of the input, which must be floating.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    return inputs
  }

  /// The function in C.
  package func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(
      apus_unary(approximate ? APUS_GELU_TANH : APUS_GELU, inputs[0].code), output: inputs[0])
  }

  /// `g · gelu'(x)`, see ``GELUGradient``.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(GELUGradient(approximate: approximate), c.x, c.g)]
  }
}

/// The Gaussian error linear unit of each element. Integers become float32.
///
/// - Parameter approximate: whether to use the approximation with tanh; false, as in Keras.
public func gelu(_ x: Tensor, approximate: Bool = false) -> Tensor {
  apply1(GELUOperation(approximate: approximate), floating(x))
}

extension Tensor {
  /// The Gaussian error linear unit of each element.
  public func gelu(approximate: Bool = false) -> Tensor {
    Tensors.gelu(self, approximate: approximate)
  }
}
