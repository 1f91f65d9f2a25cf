import CKernels

/// Random numbers for initial values, drawn at once: never a part of a trace or a gradient.
package enum Draw {
  /// Numbers evenly distributed over [`low`, `high`), scaled in double precision.
  package static func uniform(
    _ shape: Shape, _ dtype: DType, _ key: RandomKey, low: Double, high: Double
  ) -> Tensor {
    scaled(shape, dtype, scale: high - low, offset: low) { target in
      apus_random_uniform(
        DType.float64.code, key.seed, key.stream, target.baseAddress, target.count)
    }
  }

  /// A tensor of `shape` with normally distributed numbers.
  package static func normal(
    _ shape: Shape, _ dtype: DType, _ key: RandomKey, mean: Double, deviation: Double
  ) -> Tensor {
    scaled(shape, dtype, scale: deviation, offset: mean) { fillNormal($0, key) }
  }

  /// Normally distributed numbers; those more than two standard deviations from the mean are drawn again.
  package static func truncatedNormal(
    _ shape: Shape, _ dtype: DType, _ key: RandomKey, mean: Double, deviation: Double
  ) -> Tensor {
    scaled(shape, dtype, scale: deviation, offset: mean) { target in
      fillNormal(target, key)
      for index in target.indices {
        // Element `index` of stream after stream: what it becomes does not depend on its neighbours.
        var stream = key.stream
        while abs(target[index]) > 2 {
          stream = SplitMix64.mixed(stream &+ SplitMix64.increment)
          apus_random_normal_from(
            DType.float64.code, key.seed, stream, UInt64(index), &target[index], 1)
        }
      }
    }
  }

  /// Standard normal numbers in double precision.
  package static func normals(_ count: Int, _ key: RandomKey) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), key)
      initialized = count
    }
  }

  private static func fillNormal(_ target: UnsafeMutableBufferPointer<Double>, _ key: RandomKey) {
    apus_random_normal(
      DType.float64.code, key.seed, key.stream, target.baseAddress, target.count)
  }

  /// Draws in double precision, so that a variable of float64 starts with the digits of one of float32.
  private static func scaled(
    _ shape: Shape, _ dtype: DType, scale: Double, offset: Double,
    fill: (UnsafeMutableBufferPointer<Double>) -> Void
  ) -> Tensor {
    do throws(EngineError) { try shape.expectCountable("initializer") } catch { return fail(error) }
    let count = shape.elementCount
    let values = [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      let target = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      if count > 0 { fill(target) }
      for index in target.indices { target[index] = target[index] * scale + offset }
      initialized = count
    }
    return Tensor(values, shape: shape, dtype: dtype)
  }
}
