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

  var flag: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
}

/// `y = a · b`, or `y += a · b` with `accumulate`, by BLAS; row-major with `leading` elements
/// between rows of `y`.
func gemm(
  _ dtype: DType, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeRawPointer, _ formA: MatrixForm,
  _ b: UnsafeRawPointer, _ formB: MatrixForm, _ y: UnsafeMutableRawPointer, leading: Int,
  accumulate: Bool
) {
  let (rows, columns, depth) = (blasint(m), blasint(n), blasint(k))
  let (leadingA, leadingB, leadingY) = (
    blasint(formA.leading), blasint(formB.leading), blasint(leading)
  )
  if dtype == .float32 {
    cblas_sgemm(
      CblasRowMajor, formA.flag, formB.flag, rows, columns, depth, 1,
      a.assumingMemoryBound(to: Float.self), leadingA, b.assumingMemoryBound(to: Float.self),
      leadingB, accumulate ? 1 : 0, y.assumingMemoryBound(to: Float.self), leadingY)
  } else {
    cblas_dgemm(
      CblasRowMajor, formA.flag, formB.flag, rows, columns, depth, 1,
      a.assumingMemoryBound(to: Double.self), leadingA, b.assumingMemoryBound(to: Double.self),
      leadingB, accumulate ? 1 : 0, y.assumingMemoryBound(to: Double.self), leadingY)
  }
}
