import CKernels

/// 0 with probability `rate`, else `1 / (1 - rate)`, so that the mean stays 1.
///
/// - SeeAlso: Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from
///   Overfitting*, JMLR 2014, §10.
package struct DropoutMask: RandomPrimitive {
  /// The probability of 0.
  package let rate: Double
  /// The shape of the output.
  package let shape: Shape
  /// float32 or float64.
  package let dtype: DType

  /// A mask of this shape and type.
  package init(rate: Double, shape: Shape, dtype: DType) {
    self.rate = rate
    self.shape = shape
    self.dtype = dtype
  }

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
///   - rate: from 0 (nothing changes) to 1 (all become 0).
///   - key: an int64 tensor of shape `[2]`, or one that ``AnyModule/nextKey()`` gave; the same key
///     drops the same elements.
///   - noiseShape: the shape of the mask, which broadcasts to that of `x`; that of `x` by default.
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
