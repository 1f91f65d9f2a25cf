import CKernels

/// Random numbers, normally distributed with mean 0 and standard deviation 1.
struct RandomNormal: RandomPrimitive {
  let shape: Shape
  let dtype: DType

  func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64
  ) {
    apus_random_normal_from(dtype.code, seed, stream, first, target, count)
  }
}

/// Random numbers, evenly distributed over [0, 1).
struct RandomUniform: RandomPrimitive {
  let shape: Shape
  let dtype: DType

  func fill(
    _ target: UnsafeMutableRawPointer, _ count: Int, seed: UInt64, stream: UInt64, first: UInt64
  ) {
    apus_random_uniform_from(dtype.code, seed, stream, first, target, count)
  }
}

/// Normally distributed random numbers.
///
/// - Parameters:
///   - shape: that of the result.
///   - key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same key gives the same numbers on
///     every machine.
///   - mean: that of the distribution.
///   - standardDeviation: that of the distribution.
///   - dtype: float32 or float64; any other fails with ``EngineError/dtype(operation:message:)``.
/// - Returns: new numbers of this shape and type.
public func randomNormal(
  _ shape: Shape, key: Tensor, mean: Double = 0, standardDeviation: Double = 1,
  dtype: DType = .float32
) -> Tensor {
  let unit = apply1(RandomNormal(shape: shape, dtype: dtype), key)
  return mean == 0 && standardDeviation == 1 ? unit : unit * standardDeviation + mean
}

/// Normally distributed random numbers of a ``RandomKey``; see ``randomNormal(_:key:mean:standardDeviation:dtype:)``.
public func randomNormal(
  _ shape: Shape, key: RandomKey, mean: Double = 0, standardDeviation: Double = 1,
  dtype: DType = .float32
) -> Tensor {
  randomNormal(
    shape, key: key.tensor, mean: mean, standardDeviation: standardDeviation, dtype: dtype)
}

/// Random numbers evenly distributed over [`low`, `high`).
///
/// - Parameters:
///   - shape: that of the result.
///   - key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same key gives the same numbers on
///     every machine.
///   - low: the least number.
///   - high: what all numbers lie below.
///   - dtype: float32 or float64; any other fails with ``EngineError/dtype(operation:message:)``.
/// - Returns: new numbers of this shape and type.
public func randomUniform(
  _ shape: Shape, key: Tensor, low: Double = 0, high: Double = 1, dtype: DType = .float32
) -> Tensor {
  let unit = apply1(RandomUniform(shape: shape, dtype: dtype), key)
  return low == 0 && high == 1 ? unit : unit * (high - low) + low
}

/// Random numbers of a ``RandomKey``, evenly distributed over [`low`, `high`); see ``randomUniform(_:key:low:high:dtype:)``.
public func randomUniform(
  _ shape: Shape, key: RandomKey, low: Double = 0, high: Double = 1, dtype: DType = .float32
) -> Tensor {
  randomUniform(shape, key: key.tensor, low: low, high: high, dtype: dtype)
}
