import COpenBLAS

extension BLASLibrary {
  /// The speed of matrix products by BLAS, in 10⁹ floating-point operations a second.
  ///
  /// - Parameters:
  ///   - dtype: float32 or float64.
  ///   - size: rows and columns of the square matrices; 2·size³ operations a product.
  ///   - repetitions: timed products, of which the fastest counts: what is slower was disturbed.
  ///   - threads: how many products are computed side by side.
  /// - Returns: 10⁹ floating-point operations a second, of all threads.
  package static func measureGFLOPS(
    _ dtype: DType = .float32, size: Int = 768, repetitions: Int = 12, threads: Int = 1
  ) -> Double {
    let bytes = size * size * dtype.size
    let factor = Storage(byteCount: bytes)
    factor.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let products = Storage(byteCount: threads * bytes)
    let form = MatrixForm(isTransposed: false, leading: size)
    return ProductSpeed.measure(size: size, repetitions: repetitions, threads: threads) { part in
      gemm(
        dtype, size, size, size, factor.pointer, form, factor.pointer, form,
        products.pointer + part * bytes, leading: size, accumulate: false)
    }
  }
}
