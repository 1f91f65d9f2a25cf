import COpenBLAS

/// The BLAS that this process runs on: what it says of itself, and how fast it is.
///
/// Debian's OpenBLAS holds kernels for many CPUs and takes those that fit the one it runs on, unless
/// the environment variable `OPENBLAS_CORETYPE` names others; it is read once, when the process starts.
package enum BLASLibrary {
  /// Version and options, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64`.
  package static var configuration: String { text(openblas_get_config()) }

  /// The CPU whose kernels are in use, such as `Haswell`.
  package static var coreName: String { text(openblas_get_corename()) }

  /// The speed of a float32 matrix product on the threads in force, in 10⁹ floating-point operations
  /// a second.
  ///
  /// - Parameters:
  ///   - size: rows and columns of the square matrices; 2·size³ operations a product.
  ///   - repetitions: timed products, of which the fastest counts: what is slower was disturbed.
  package static func measureGFLOPS(size: Int = 768, repetitions: Int = 12) -> Double {
    let a = [Float](repeating: 0.5, count: size * size)
    var product = [Float](repeating: 0, count: size * size)
    func multiply() {
      let length = Int32(clamping: size)
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, length, length, length, 1, a, length, a, length,
        0, &product, length)
    }
    // The first product starts threads and faults pages in.
    multiply()
    let clock = ContinuousClock()
    let fastest = (0..<max(repetitions, 1)).map { _ in clock.measure(multiply) }.min() ?? .zero
    let operations = 2 * Double(size) * Double(size) * Double(size)
    return operations / max(fastest / .seconds(1), 1e-9) / 1e9
  }

  private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? "unknown"
  }
}
