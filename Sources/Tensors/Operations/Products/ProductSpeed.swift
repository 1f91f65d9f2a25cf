import CKernels

/// How fast matrix products are on this machine.
package enum ProductSpeed {
  /// Who computes products of float32: this engine's own kernel, or BLAS.
  package static var isOwnKernel: Bool { apus_gemm_is_fast() != 0 }

  /// The speed of the engine's products of square float32 matrices, in 10⁹ floating-point operations a second.
  ///
  /// - Parameters:
  ///   - precision: what factors are rounded to.
  ///   - size: rows and columns.
  ///   - repetitions: timed products, of which the fastest counts.
  ///   - threads: how many products are computed side by side.
  /// - Returns: 10⁹ floating-point operations a second, of all threads.
  package static func gflops(
    _ precision: ProductPrecision = .exact, size: Int = 512, repetitions: Int = 12, threads: Int = 1
  ) -> Double {
    let layout = Layout(rowMajor: [size, size])
    let bytes = size * size * MemoryLayout<Float>.size
    let memory = (0..<threads + 2).map { _ in Storage(byteCount: bytes) }
    for storage in memory {
      storage.pointer.initializeMemory(as: Float.self, repeating: 1, count: size * size)
    }
    let operands = memory.map { Operand(pointer: $0.pointer, layout: layout, dtype: .float32) }
    let pool = ThreadPool(threads: 1)
    let kernels = operands.dropFirst(2).map { product in
      let workspace = Workspace(pool: pool)
      let kernel = MatMul(precision: precision).prepare(
        Array(operands.prefix(2)), [product], workspace)
      workspace.reserve()
      return kernel
    }
    return withExtendedLifetime(memory) {
      measure(size: size, repetitions: repetitions, threads: threads) { try? kernels[$0]() }
    }
  }

  /// Runs `multiply` on every thread at once; the fastest repetition counts, since what is slower was disturbed.
  static func measure(
    size: Int, repetitions: Int, threads: Int, _ multiply: @escaping (_ part: Int) -> Void
  ) -> Double {
    ComputeThreads.with(threads) {
      let pool = ComputeThreads.pool
      let task = ThreadPool.Task(multiply)
      // The first one faults pages in.
      pool.run(task, parts: threads)
      let clock = ContinuousClock()
      let fastest =
        (0..<max(repetitions, 1))
        .map { _ in clock.measure { pool.run(task, parts: threads) } }.min() ?? .zero
      let operations = 2 * Double(threads) * Double(size) * Double(size) * Double(size)
      return operations / max(fastest / .seconds(1), 1e-9) / 1e9
    }
  }
}
