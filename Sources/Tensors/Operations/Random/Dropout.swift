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
    [apply1(self, c.g, c.inputs[1]), nil]
  }

  /// The same elements of every example, when all have one key.
  package func batched(_ inputs: [Tensor], mapped: [Bool], count: Int) -> [Tensor]? {
    guard mapped == [true, false] else { return nil }
    let one = Tensor.ones(Shape(Array(inputs[0].shape.dropFirst())), dtype: inputs[0].dtype)
    return [inputs[0] * apply1(self, one, inputs[1])]
  }
}

/// 0 with probability `rate`, else `1 / (1 - rate)`, so that the mean stays 1.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from
///   Overfitting*, JMLR 2014, §10.
package struct DropoutMask: RandomPrimitive {
  /// The probability of 0.
  package let rate: Double
  package let shape: Shape
  package let dtype: DType

  /// Draws numbers and replaces them in place.
  package func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64
  ) {
    apus_random_uniform_from(dtype.code, seed, stream, first, target, count)
    let scale = rate < 1 ? 1 / (1 - rate) : 0
    if dtype == .float32 {
      let (values, threshold, kept) = (
        target.assumingMemoryBound(to: Float.self), Float(rate), Float(scale)
      )
      for index in 0..<count { values[index] = values[index] < threshold ? 0 : kept }
    } else {
      let values = target.assumingMemoryBound(to: Double.self)
      for index in 0..<count { values[index] = values[index] < rate ? 0 : scale }
    }
  }
}

/// `x` with elements set to 0 with probability `rate`, and the others multiplied by `1 / (1 -
/// rate)`.
///
/// - Parameters:
///   - x: of any shape; integers become float32.
///   - rate: from 0 (nothing changes) to 1 (all become 0).
///   - key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same key
///     drops the same elements.
///   - noiseShape: the shape of the mask, which broadcasts to that of `x`; that of `x` by default.
/// - Returns: of the shape of `x`. Another rate is an ``EngineError/invalidArgument(message:)``.
public func dropout(
  _ x: Tensor, rate: Double, key: Tensor, noiseShape: Shape? = nil
) -> Tensor {
  attempt {
    guard (0...1).contains(rate) else {
      throw EngineError.argument("rate", of: "dropout", must: "be in 0...1", found: "\(rate)")
    }
    let x = floating(x)
    if rate == 0 { return x }
    if noiseShape == nil || noiseShape == x.shape {
      return apply1(DropoutOperation(rate: rate), x, key)
    }
    return x * apply1(DropoutMask(rate: rate, shape: noiseShape ?? x.shape, dtype: x.dtype), key)
  }
}
