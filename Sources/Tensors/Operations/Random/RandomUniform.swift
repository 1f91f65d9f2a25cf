import CKernels

/// Random numbers, evenly distributed over [0, 1).
package struct RandomUniform: RandomPrimitive {
  /// The shape of the output.
  package let shape: Shape
  /// float32 or float64.
  package let dtype: DType

  /// Numbers for a tensor of this shape and type.
  package init(shape: Shape, dtype: DType) {
    self.shape = shape
    self.dtype = dtype
  }

  /// Calls `apus_random_uniform_from`.
  package func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64
  ) {
    apus_random_uniform_from(dtype.code, seed, stream, first, target, count)
  }
}

/// Random numbers evenly distributed over [`low`, `high`).
///
/// - Parameter key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same
///   key gives the same numbers on every machine.
public func randomUniform(
  _ shape: Shape, key: Tensor, low: Double = 0, high: Double = 1, dtype: DType = .float32
) -> Tensor {
  let unit = apply1(RandomUniform(shape: shape, dtype: dtype), key)
  return low == 0 && high == 1 ? unit : unit * (high - low) + low
}

/// Random numbers evenly distributed over [`low`, `high`).
public func randomUniform(
  _ shape: Shape, key: RandomKey, low: Double = 0, high: Double = 1, dtype: DType = .float32
) -> Tensor {
  randomUniform(shape, key: key.tensor, low: low, high: high, dtype: dtype)
}
