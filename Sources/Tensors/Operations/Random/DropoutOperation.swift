import CKernels

/// Dropout in one sweep: elements are dropped, or multiplied by `1 / (1 - rate)`, by the numbers of a key.
///
/// The inputs are the values and a key. There is no mask in memory: number `i` of a key depends on the key and `i` only, so
/// the gradient draws the same numbers again, and threads draw those of their elements.
package struct DropoutOperation: Primitive {
  /// The probability of 0.
  package let rate: Double

  /// Dropout with this probability, from 0 to 1.
  package init(rate: Double) { self.rate = rate }

  /// The output may lie on the input.
  package var inPlace: [InPlacePair] { [InPlacePair(output: 0, input: 0)] }

  /// The shape and type of the first input, for a key.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectFloating(inputs[0])
    try expectKey(inputs[1])
    return [inputs[0]]
  }

  /// Draws and applies 64 numbers at a time.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let (x, y) = (inputs[0].pointer, outputs[0].pointer)
    let key = inputs[1].pointer(as: UInt64.self)
    let (shape, keyLength) = (outputs[0].shape, inputs[1].elementCount)
    let (dtype, rate) = (outputs[0].dtype, rate)
    let scale = rate < 1 ? 1 / (1 - rate) : 0
    return workspace.parallel(
      outputs[0].elementCount, grain: Workspace.elementGrain / 2, multiple: 64
    ) { elements, _ in
      let start = elements.lowerBound * dtype.size
      let first = shape.elementsBefore(key, keyLength: keyLength) + UInt64(elements.lowerBound)
      apus_dropout(
        dtype.code, key[0], key[1], first, rate, scale, x + start, y + start, elements.count)
    }
  }

  /// The same for `g`: what was dropped has no gradient.
  package func gradient(_ c: GradientContext) -> [Tensor?] {
    [apply1(DropoutOperation(rate: rate), c.g, c.inputs[1]), nil]
  }

  /// The same elements of every example, when all have one key.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false] else { return nil }
    let one = Tensor.ones(Shape(Array(inputs[0].shape.dropFirst())), dtype: inputs[0].dtype)
    return [inputs[0] * apply1(self, one, inputs[1])]
  }
}
