extension Tensor {
  /// The axes that a file may give a tensor: the kernels' loops have room for this many.
  package static let mostAxes = 16

  /// The number of elements of `dimensions` from a file, or nil when it does not fit an `Int`.
  ///
  /// Axes of length 0 count as 1 first, so that strides of such a shape cannot overflow either.
  package static func checkedElementCount(_ dimensions: [Int], size: Int) -> Int? {
    var product = size
    for length in dimensions {
      guard length >= 0 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: Swift.max(length, 1))
      if overflow { return nil }
      product = next
    }
    return dimensions.contains(0) ? 0 : product / Swift.max(size, 1)
  }

  /// A row-major tensor whose bytes `fill` writes; unlike the initializer it keeps the error's type.
  package static func filled(
    _ dimensions: [Int], _ dtype: DType,
    _ fill: (UnsafeMutableRawPointer) throws(EngineError) -> Void
  ) throws(EngineError) -> Tensor {
    var failure: EngineError?
    let tensor = Tensor(shape: Shape(dimensions), dtype: dtype) { pointer in
      do throws(EngineError) { try fill(pointer) } catch { failure = error }
    }
    if let failure { throw failure }
    return tensor
  }

  /// `withUnsafeBytes` that keeps the error's type.
  package func withBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    let result: Result<R, EngineError> = withUnsafeBytes { bytes in
      do throws(EngineError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
