import CKernels

/// Which kernels this process computes with: others may round differently.
package enum KernelSet {
  /// The level of x86-64 whose kernels run: `x86-64-v4`, `x86-64-v3`, or `baseline`, also on every other architecture.
  package static let level = String(cString: apus_cpu_target())

  /// The best level that this CPU has.
  package static let bestLevel = String(cString: apus_cpu_best_target())

  /// The environment variable that names a lower level.
  package static let variable = APUS_CPU_VARIABLE

  /// `x86-64-v4`, or `x86-64-v3 (APUS_CPU; this CPU has x86-64-v4)`.
  package static let levelDescription =
    level == bestLevel ? level : "\(level) (\(variable); this CPU has \(bestLevel))"

  /// How products of float32 are summed: `sums of 256`, those of a block's depth.
  private static let sums = {
    var sizes = apus_gemm_sizes()
    apus_gemm_get_sizes(&sizes)
    return "sums of \(sizes.depth)"
  }()

  /// `x86-64-v4, sums of 256, OpenBLAS SkylakeX`. It loads OpenBLAS.
  @TaskLocal package static var description =
    "\(levelDescription), \(sums), OpenBLAS \(BLASLibrary.shared.coreName)"
}
