import CKernels
import COpenBLAS

/// Which kernels this process computes with: others may round differently.
package enum KernelSet {
  /// `x86-64-v4, OpenBLAS SkylakeX`
  @TaskLocal package static var description =
    String(cString: apus_cpu_target()) + ", OpenBLAS " + String(cString: openblas_get_corename())
}
