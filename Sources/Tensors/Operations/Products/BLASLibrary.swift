import COpenBLAS

/// The BLAS that this process runs on: what it says of itself, and how fast it is.
///
/// Debian's OpenBLAS holds kernels for many CPUs and takes those that fit the one it runs on, unless
/// the environment variable `OPENBLAS_CORETYPE` names others; it is read once, when the process starts.
package enum BLASLibrary {
  /// Version and options, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64`.
  package static var configuration: String { string(openblas_get_config()) }

  /// The CPU whose kernels are in use, such as `Haswell`.
  package static var coreName: String { string(openblas_get_corename()) }

  /// The speed of float32 matrix products by BLAS, in 10⁹ floating-point operations a second.
  ///
  /// - Parameters:
  ///   - size: rows and columns of the square matrices; 2·size³ operations a product.
  ///   - repetitions: timed products, of which the fastest counts: what is slower was disturbed.
  ///   - threads: how many products are computed side by side.
  /// - Returns: 10⁹ floating-point operations a second, of all threads.
  package static func measureGFLOPS(
    size: Int = 768, repetitions: Int = 12, threads: Int = 1
  ) -> Double {
    let a = [Float](repeating: 0.5, count: size * size)
    let products = Storage(byteCount: threads * size * size * MemoryLayout<Float>.size)
    return ProductSpeed.measure(size: size, repetitions: repetitions, threads: threads) { part in
      let length = Int32(clamping: size)
      let target = products.pointer.assumingMemoryBound(to: Float.self) + part * size * size
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, length, length, length, 1, a, length, a, length,
        0, target, length)
    }
  }

  private static func string(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? "unknown"
  }
}
