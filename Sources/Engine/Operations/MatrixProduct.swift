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

  var flag: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
}

/// A batch of products `y = a · b` of floating-point matrices, `[..., m, k]` and `[..., k, n]`,
/// prepared for BLAS.
struct MatrixProduct {
  let kernel: Kernel

  init(_ a: Operand, _ b: Operand, _ y: Operand, _ workspace: Workspace) {
    let (m, n, k) = (y.shape[-2], y.shape[-1], a.shape[-1])
    let size = y.dtype.size
    if k == 0 {
      let (target, bytes) = (y.pointer, y.elementCount * size)
      kernel = { target.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
      return
    }
    let formA = Self.form(a)
    let formB = Self.form(b)
    // A matrix of any other strides is copied to the workspace, one matrix of the batch at a time.
    let roomA = formA == nil ? (m * k * size + 63) / 64 * 64 : 0
    let roomB = formB == nil ? k * n * size : 0
    workspace.require(bytes: roomA + roomB)
    let left = formA ?? MatrixForm(isTransposed: false, leading: k)
    let right = formB ?? MatrixForm(isTransposed: false, leading: n)
    let copyA = formA == nil ? MatrixCopy(a) : nil
    let copyB = formB == nil ? MatrixCopy(b) : nil
    let starts = BatchOffsets(a, b)
    let (pa, pb, py, dtype) = (a.pointer, b.pointer, y.pointer, y.dtype)
    let step = m * n * size
    kernel = {
      for index in starts.a.indices {
        var sourceA = pa + starts.a[index] * size
        var sourceB = pb + starts.b[index] * size
        if let copyA {
          copyA.run(sourceA, workspace.base)
          sourceA = workspace.base
        }
        if let copyB {
          copyB.run(sourceB, workspace.base + roomA)
          sourceB = workspace.base + roomA
        }
        gemm(
          dtype, m, n, k, sourceA, left, sourceB, right, py + index * step, leading: n,
          accumulate: false)
      }
    }
  }

  private static func form(_ x: Operand) -> MatrixForm? {
    let rank = x.shape.rank
    return MatrixForm(
      rows: x.shape[-2], columns: x.shape[-1], rowStride: x.strides[rank - 2],
      columnStride: x.strides[rank - 1])
  }
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
