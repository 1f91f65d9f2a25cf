/// Random numbers from a key: the input is an int64 tensor `[2]` (seed and stream), or `[4]` (as well
/// the first row and the number of rows of a rank's share of a batch); the output has a given shape.
///
/// The numbers are a function of the key, so the operation is pure: fresh numbers come from fresh
/// keys. Element `i` takes number `i`; with a key of a share, and a first axis as long as it, the number that it has in the
/// tensor of the whole batch.
package protocol RandomPrimitive: NonDifferentiable {
  /// The shape of the output.
  var shape: Shape { get }
  /// The scalar type of the output, float32 or float64.
  var dtype: DType { get }
  /// Writes the `count` numbers of a key from number `first` on.
  func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64)
}

extension RandomPrimitive {
  /// The shape and type given, for a key.
  package func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    try expectKey(inputs[0])
    try expectFloating(TensorSpec(shape, dtype))
    try shape.expectCountable(name)
    return [TensorSpec(shape, dtype)]
  }

  /// Reads the key and fills the output.
  package func prepare(
    _ inputs: [Operand], _ outputs: [Operand], _ workspace: Workspace
  ) -> Kernel {
    let key = inputs[0].pointer(as: UInt64.self)
    let (target, count) = (outputs[0].pointer, outputs[0].elementCount)
    let keyLength = inputs[0].elementCount
    guard count > 0 else { return {} }
    return {
      let first = shape.elementsBefore(key, keyLength: keyLength)
      fill(target, count, seed: key[0], stream: key[1], first: first)
    }
  }
}

extension Primitive {
  /// Checks that an input is a key of random numbers.
  func expectKey(_ key: TensorSpec) throws(EngineError) {
    guard key == TensorSpec([2], .int64) || key == TensorSpec([RandomKey.lengthWithPlace], .int64)
    else {
      throw .dtype(
        operation: name, message: "a random key is an int64 tensor of shape [2], got \(key)")
    }
  }
}
