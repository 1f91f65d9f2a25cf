import CKernels

/// Products of float32 matrices whose factors are rounded to bfloat16, and added up in float32.
struct RoundedProduct {
  /// Whether the CPU's instruction for pairs of bfloat16 computes them; see ``BFloat16/usesPairs``.
  private let usesPairs = BFloat16.usesPairs

  /// Scratch memory for ``multiply``.
  var scratchBytes: Int { apus_bf16_gemm_bytes(usesPairs ? 1 : 0) }

  /// `y = a · b`, or `y += a · b` with `accumulate`, of `[m, k]` and `[k, n]` with any strides; `leading` elements lie
  /// between rows of `y`.
  func multiply(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeRawPointer, _ stridesA: (row: Int, column: Int),
    _ b: UnsafeRawPointer, _ stridesB: (row: Int, column: Int), _ y: UnsafeMutableRawPointer,
    leading: Int, accumulate: Bool, _ scratch: UnsafeMutableRawPointer
  ) {
    apus_bf16_gemm(
      usesPairs ? 1 : 0, m, n, k, a.assumingMemoryBound(to: Float.self), stridesA.row,
      stridesA.column, b.assumingMemoryBound(to: Float.self), stridesB.row, stridesB.column,
      y.assumingMemoryBound(to: Float.self), leading, accumulate ? 1 : 0, scratch)
  }
}
