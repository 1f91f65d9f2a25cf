/// A new key of random numbers from a key and a number.
///
/// Seed, stream and number go through the mixing function of SplitMix64 one after the other, so
/// that keys which differ in one bit, or numbers that follow each other, name unrelated streams.
///
/// - SeeAlso: Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014,
///   figure 17.
package struct FoldKey: NonDifferentiable {
  /// A key like the first input, for it and one int64.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 2)
    try expectKey(inputs[0])
    guard inputs[1].dtype == .int64, inputs[1].shape.elementCount == 1 else {
      throw .dtype(
        operation: name, message: "a key is folded with one int64, got \(inputs[1])")
    }
    return [inputs[0]]
  }

  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let key = inputs[0].pointer(as: UInt64.self)
    let data = inputs[1].pointer(as: UInt64.self)
    let result = outputs[0].pointer(as: UInt64.self)
    // The place of a share stays what it is.
    let rest = 2..<outputs[0].elementCount
    return {
      let folded = Self.fold(key[0], key[1], data[0])
      (result[0], result[1]) = (folded.seed, folded.stream)
      for index in rest { result[index] = key[index] }
    }
  }

  /// Seed and stream of the new key.
  package static func fold(
    _ seed: UInt64, _ stream: UInt64, _ data: UInt64
  ) -> (seed: UInt64, stream: UInt64) {
    // A constant between the steps keeps zeros from staying zero.
    let step = SplitMix64.increment
    var state = SplitMix64.mixed(seed &+ step)
    state = SplitMix64.mixed(state ^ stream &+ step)
    state = SplitMix64.mixed(state ^ data &+ step)
    return (SplitMix64.mixed(state &+ step), SplitMix64.mixed(state &+ 2 &* step))
  }
}

/// A key of a stream unrelated to that of `key` and of any other number.
///
/// - Parameters:
///   - key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave.
///   - data: one integer, of any shape with one element.
/// - Returns: of the shape of `key`.
public func foldKey(_ key: Tensor, _ data: Tensor) -> Tensor {
  apply1(FoldKey(), key, data.cast(to: .int64))
}

/// A key of a stream unrelated to that of `key` and of any other number.
public func foldKey(_ key: Tensor, _ data: Int64) -> Tensor {
  apply1(FoldKey(), key, Tensor(data))
}
