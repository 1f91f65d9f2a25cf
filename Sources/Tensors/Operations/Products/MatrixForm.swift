import CKernels
import COpenBLAS

/// One side of a product as BLAS wants it: a row-major matrix, perhaps transposed, with a distance
/// between rows.
struct MatrixForm: Equatable {
  var isTransposed: Bool
  var leading: Int

  /// The form of a matrix of these strides; nil if it has to be copied first.
  init?(rows: Int, columns: Int, rowStride: Int, columnStride: Int) {
    // The stride of an axis of length 1 says nothing.
    if (columnStride == 1 || columns == 1) && (rows == 1 || rowStride >= Swift.max(columns, 1)) {
      self.init(isTransposed: false, leading: rows == 1 ? columns : rowStride)
    } else if (rowStride == 1 || rows == 1)
      && (columns == 1 || columnStride >= Swift.max(rows, 1))
    {
      self.init(isTransposed: true, leading: columns == 1 ? rows : columnStride)
    } else {
      return nil
    }
  }

  init(isTransposed: Bool, leading: Int) {
    self.isTransposed = isTransposed
    self.leading = leading
  }

  /// The distances between neighbours.
  var strides: (row: Int, column: Int) { isTransposed ? (1, leading) : (leading, 1) }

  fileprivate var flag: Int32 { Int32(isTransposed ? APUS_TRANSPOSED : APUS_NOT_TRANSPOSED) }
}

/// `y = a · b`, or `y += a · b` with `accumulate`, by BLAS, or by a plain kernel where there is none; row-major with
/// `leading` elements between rows of `y`.
func gemm(
  _ dtype: DType, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeRawPointer, _ formA: MatrixForm,
  _ b: UnsafeRawPointer, _ formB: MatrixForm, _ y: UnsafeMutableRawPointer, leading: Int,
  accumulate: Bool
) {
  let blas = BLASLibrary.shared.functions
  guard let sgemm = blas.sgemm, let dgemm = blas.dgemm else {
    return apus_plain_product(
      dtype.code, m, n, k, a, formA.strides.row, formA.strides.column, b, formB.strides.row,
      formB.strides.column, y, leading, accumulate ? 1 : 0)
  }
  let (rows, columns, depth) = (Int32(m), Int32(n), Int32(k))
  let (leadingA, leadingB, leadingY) = (Int32(formA.leading), Int32(formB.leading), Int32(leading))
  let order = Int32(APUS_ROW_MAJOR)
  if dtype == .float32 {
    sgemm(
      order, formA.flag, formB.flag, rows, columns, depth, 1,
      a.assumingMemoryBound(to: Float.self), leadingA, b.assumingMemoryBound(to: Float.self),
      leadingB, accumulate ? 1 : 0, y.assumingMemoryBound(to: Float.self), leadingY)
  } else {
    dgemm(
      order, formA.flag, formB.flag, rows, columns, depth, 1,
      a.assumingMemoryBound(to: Double.self), leadingA, b.assumingMemoryBound(to: Double.self),
      leadingB, accumulate ? 1 : 0, y.assumingMemoryBound(to: Double.self), leadingY)
  }
}
