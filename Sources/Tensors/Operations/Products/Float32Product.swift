import CKernels

/// Products of float32 matrices, or of blocks of them, by this engine's own kernel.
///
/// How a product is cut, and what is copied, depends on its shape and on the type of the CPU only (`gemm_sizes.c`); a block
/// has the bits that it has as a part of the whole.
struct Float32Product {
  private let depth: Int
  private let left: (row: Int, column: Int)
  private let right: (row: Int, column: Int)
  private let scratchOffset: Int
  /// What it needs of a workspace after the offset.
  let scratchBytes: Int

  /// Nil where BLAS is to multiply float32.
  ///
  /// - Parameters:
  ///   - rows: rows of the largest block.
  ///   - columns: columns of the largest block; those of others are multiples of 16, or end where these end.
  ///   - depth: columns of the left factor, 1 at least.
  ///   - left: distances between neighbours in the left factor, of which one is 1.
  ///   - right: the same in the right factor.
  ///   - scratchOffset: where its memory is in a workspace.
  init?(
    rows: Int, columns: Int, depth: Int, _ left: (row: Int, column: Int),
    _ right: (row: Int, column: Int), scratchOffset: Int = 0
  ) {
    guard apus_gemm_is_fast() != 0 else { return nil }
    self.depth = depth
    (self.left, self.right) = (left, right)
    self.scratchOffset = scratchOffset
    scratchBytes = apus_gemm_bytes(rows, columns, depth, left.column, right.row, right.column)
  }

  /// `target = a · b`, or `target += a · b` with `accumulate`, for a block of `rows` and `columns`, and of less depth if it
  /// is given; `leading` elements lie between rows of the target.
  func callAsFunction(
    _ rows: Int, _ columns: Int, depth: Int? = nil, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ target: UnsafeMutableRawPointer, leading: Int, accumulate: Bool, _ workspace: Workspace,
    part: Int
  ) {
    // Some products need no scratch memory.
    let scratch = scratchBytes > 0 ? workspace.base(part: part) + scratchOffset : nil
    apus_gemm(
      rows, columns, depth ?? self.depth, a.assumingMemoryBound(to: Float.self), left.row,
      left.column, b.assumingMemoryBound(to: Float.self), right.row, right.column,
      target.assumingMemoryBound(to: Float.self), leading, accumulate ? 1 : 0, scratch)
  }
}
