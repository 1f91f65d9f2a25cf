import CKernels

/// Elementwise Gaussian error linear unit `x · Φ(x)`, with the normal distribution function `Φ`.
///
/// - SeeAlso: Hendrycks, Gimpel, *Gaussian Error Linear Units* (2016), §2.
package struct GELUOperation: Primitive {
  /// Whether to use `½x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
  package let approximate: Bool

  /// The exact function, or the approximation with tanh.
  package init(approximate: Bool) { self.approximate = approximate }

  /// The output may lie on the input.
  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape of the input, which must be floating.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectFloating(inputs[0])
    return inputs
  }

  /// Elements, some on each thread.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0].pointer, outputs[0].pointer)
    let (dtype, size) = (inputs[0].dtype.code, inputs[0].dtype.size)
    let flag: Int32 = approximate ? 1 : 0
    return workspace.parallel(
      inputs[0].elementCount, grain: Workspace.elementGrain, multiple: 64
    ) { items, _ in
      let start = items.lowerBound * size
      apus_gelu(dtype, x + start, y + start, flag, items.count)
    }
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
