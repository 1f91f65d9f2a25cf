import CKernels

/// Random numbers, normally distributed with mean 0 and standard deviation 1.
package struct RandomNormal: RandomPrimitive {
  /// The shape of the output.
  package let shape: Shape
  /// float32 or float64.
  package let dtype: DType

  /// Numbers for a tensor of this shape and type.
  package init(shape: Shape, dtype: DType) {
    self.shape = shape
    self.dtype = dtype
  }

  /// Calls `apus_random_normal_from`.
  package func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64
  ) {
    apus_random_normal_from(dtype.code, seed, stream, first, target, count)
  }
}

/// Normally distributed random numbers.
///
/// - Parameter key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same
///   key gives the same numbers on every machine.
public func randomNormal(
  _ shape: Shape, key: Tensor, mean: Double = 0, standardDeviation: Double = 1,
  dtype: DType = .float32
) -> Tensor {
  let unit = apply1(RandomNormal(shape: shape, dtype: dtype), key)
  return mean == 0 && standardDeviation == 1 ? unit : unit * standardDeviation + mean
}

/// Normally distributed random numbers.
public func randomNormal(
  _ shape: Shape, key: RandomKey, mean: Double = 0, standardDeviation: Double = 1,
  dtype: DType = .float32
) -> Tensor {
  randomNormal(
    shape, key: key.tensor, mean: mean, standardDeviation: standardDeviation, dtype: dtype)
}
