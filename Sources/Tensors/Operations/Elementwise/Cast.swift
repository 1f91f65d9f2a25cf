import CKernels

struct Cast: Elementwise {
  /// The type of the output.
  let dtype: DType

  func infer(_ inputs: [TensorSpec]) throws(EngineError) -> [TensorSpec] {
    try expect(inputs, count: 1)
    _ = try castKernel(from: inputs[0].dtype, to: dtype, name)
    return [TensorSpec(inputs[0].shape, dtype)]
  }

  func elementwiseKernel(for inputs: [DType]) -> ElementwiseKernel? {
    ElementwiseKernel(apus_cast(inputs[0].code, dtype.code), output: dtype)
  }

  /// `g` in the type of the input, if both types have a fraction.
  func gradient(_ c: GradientContext) -> [Tensor?] {
    [c.x.dtype.isFloating && dtype.isFloating ? c.g.cast(to: c.x.dtype) : nil]
  }
}

extension Tensor {
  /// The elements converted to another scalar type; the tensor itself when it has that type.
  ///
  /// Floating to integer cuts off the fraction, saturates at the ends of the range (infinities too) and makes 0 of NaN.
  /// int64 to int32, and both to uint8, keep the lowest bits, as NumPy and JAX do. Integers become the nearest floating
  /// number, and float64 the nearest float32, infinity beyond its range. Anything to bool is whether it differs from
  /// 0: NaN is true. All of this is the same at once and compiled, for any layout, and on every CPU.
  ///
  /// A cast never fails. What uses numbers as indices looks at them before any conversion, and ``scalars(as:)`` and the
  /// initializers of `Tensor` fail where an integer type does not hold a value.
  public func cast(to dtype: DType) -> Tensor {
    dtype == self.dtype ? self : apply1(Cast(dtype: dtype), self)
  }
}
