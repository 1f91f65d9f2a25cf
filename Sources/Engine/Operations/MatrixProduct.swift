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

  /// Where an element is, in elements from the first.
  func offset(row: Int, column: Int) -> Int {
    isTransposed ? column * leading + row : row * leading + column
  }

  /// The distances between neighbours.
  var strides: (row: Int, column: Int) { isTransposed ? (1, leading) : (leading, 1) }

  var flag: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }
}

/// A batch of products `y = a · b` of floating-point matrices, `[..., m, k]` and `[..., k, n]`.
///
/// Float32 is multiplied by this engine's own kernel where the CPU has AVX-512, and by BLAS elsewhere. Which one depends on
/// the CPU and the shapes only. Measured on a core that reaches 118 GFLOP/s at most: 113 to 117 against the 98 to 105 of
/// OpenBLAS, which packs both factors, for the products of a step of training.
struct MatrixProduct {
  /// Rows of `a` and `y`.
  let rows: Int
  /// Columns of `b` and `y`.
  let columns: Int
  /// Columns of `a`, rows of `b`.
  let depth: Int
  /// How many products there are.
  let count: Int
  private let y: Operand
  private let left: Side
  private let right: Side
  private let workspace: Workspace
  private let precision: ProductPrecision
  /// Whether this engine's own kernel computes it, rather than BLAS.
  private let isOwn: Bool
  /// Where its scratch memory is in the workspace.
  private let ownRoom: Int

  /// One factor: as BLAS reads it where it is, or copied to the workspace, one matrix at a time.
  private struct Side {
    let pointer: UnsafeMutableRawPointer
    let starts: [Int]
    let rowStride: Int
    let columnStride: Int
    let form: MatrixForm
    let copy: MatrixCopy?
    /// Where its copy is in the workspace.
    var room = 0

    func pointer<S>(as type: S.Type) -> UnsafeMutablePointer<S> {
      pointer.assumingMemoryBound(to: type)
    }
  }

  /// `y` is row-major and not empty.
  init(
    _ a: Operand, _ b: Operand, _ y: Operand, _ workspace: Workspace,
    _ precision: ProductPrecision = .exact
  ) {
    self.precision = precision
    (rows, columns, depth) = (y.shape[-2], y.shape[-1], a.shape[-1])
    self.y = y
    self.workspace = workspace
    let starts = BatchOffsets(a, b)
    count = starts.a.count
    let left = Self.side(a, starts.a, precision)
    var right = Self.side(b, starts.b, precision)
    let size = y.dtype.size
    let roomA = left.copy == nil ? 0 : (rows * depth * size + 63) / 64 * 64
    right.room = roomA
    workspace.require(bytes: roomA + (right.copy == nil ? 0 : depth * columns * size))
    isOwn = precision == .exact && y.dtype == .float32 && apus_gemm_is_fast() != 0
    ownRoom = roomA + (right.copy == nil ? 0 : (depth * columns * size + 63) / 64 * 64)
    if precision == .bfloat16 { workspace.require(bytes: apus_bf16_gemm_bytes()) }
    if isOwn {
      let strides = right.form.strides
      workspace.require(bytes: ownRoom + apus_gemm_bytes(rows, depth, strides.row, strides.column))
    }
    (self.left, self.right) = (left, right)
  }

  private static func side(
    _ x: Operand, _ starts: [Int], _ precision: ProductPrecision
  ) -> Side {
    let (row, column) = (x.strides[x.shape.rank - 2], x.strides[x.shape.rank - 1])
    let form = MatrixForm(
      rows: x.shape[-2], columns: x.shape[-1], rowStride: row, columnStride: column)
    return Side(
      pointer: x.pointer, starts: starts, rowStride: row, columnStride: column,
      form: form ?? MatrixForm(isTransposed: false, leading: x.shape[-1]),
      // Rounding rearranges the elements anyway.
      copy: form == nil && precision == .exact ? MatrixCopy(x) : nil)
  }

  /// Whether factors are read where they are, so that blocks of one product can be computed apart.
  var isDirect: Bool { left.copy == nil && right.copy == nil }

  /// The whole batch, in parts: of the batch, or of the one product there is.
  var kernel: Kernel {
    if depth == 0 {
      let (target, bytes) = (y.pointer, y.elementCount * y.dtype.size)
      return { target.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
    }
    if count == 1, isDirect {
      let blocks = ProductBlocks(
        rows: rows, columns: columns, depth: depth, workspace.threads, precision)
      return workspace.parallel(blocks.count) { _, part in
        multiply(0, rows: blocks[part].rows, columns: blocks[part].columns, part: part)
      }
    }
    let grain = max(1, ProductBlocks.grain / max(rows * columns * depth, 1))
    return workspace.parallel(count, grain: grain) { items, part in
      for index in items { multiply(index, rows: 0..<rows, columns: 0..<columns, part: part) }
    }
  }

  /// A block of the product number `index`: the whole of it unless ``isDirect``.
  ///
  /// - Parameter accumulate: whether it is added to what is in its place.
  func multiply(
    _ index: Int, rows block: Range<Int>, columns strip: Range<Int>, part: Int,
    accumulate: Bool = false
  ) {
    let size = y.dtype.size
    let target = y.pointer + ((index * rows + block.lowerBound) * columns + strip.lowerBound) * size
    if precision == .bfloat16 {
      let a =
        (left.pointer(as: Float.self) + left.starts[index]) + block.lowerBound * left.rowStride
      let b =
        (right.pointer(as: Float.self) + right.starts[index]) + strip.lowerBound
        * right.columnStride
      apus_bf16_gemm(
        block.count, strip.count, depth, a, left.rowStride, left.columnStride, b, right.rowStride,
        right.columnStride, target.assumingMemoryBound(to: Float.self), columns,
        accumulate ? 1 : 0, workspace.base(part: part))
      return
    }
    let a = source(left, index, part) + left.form.offset(row: block.lowerBound, column: 0) * size
    let b = source(right, index, part) + right.form.offset(row: 0, column: strip.lowerBound) * size
    if isOwn {
      multiply(block.count, strip.count, a, b, target, part, accumulate)
    } else {
      gemm(
        y.dtype, block.count, strip.count, depth, a, left.form, b, right.form, target,
        leading: columns, accumulate: accumulate)
    }
  }

  /// Whole register tiles by this engine's own kernel; BLAS computes the last rows and columns.
  private func multiply(
    _ m: Int, _ n: Int, _ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer,
    _ target: UnsafeMutableRawPointer, _ part: Int, _ accumulate: Bool
  ) {
    let (strideA, strideB) = (left.form.strides, right.form.strides)
    var (wholeRows, wholeColumns) = (0, 0)
    apus_gemm_whole(m, n, strideB.column, &wholeRows, &wholeColumns)
    if wholeRows > 0, wholeColumns > 0 {
      // Some products need no scratch memory.
      let scratch = workspace.byteCount > 0 ? workspace.base(part: part) + ownRoom : nil
      apus_gemm(
        wholeRows, wholeColumns, depth, a.assumingMemoryBound(to: Float.self), strideA.row,
        strideA.column, b.assumingMemoryBound(to: Float.self), strideB.row, strideB.column,
        target.assumingMemoryBound(to: Float.self), columns, accumulate ? 1 : 0, scratch)
    } else {
      wholeRows = 0
    }
    let size = MemoryLayout<Float>.size
    if wholeRows < m {
      gemm(
        .float32, m - wholeRows, n, depth, a + left.form.offset(row: wholeRows, column: 0) * size,
        left.form, b, right.form, target + wholeRows * columns * size, leading: columns,
        accumulate: accumulate)
    }
    if wholeRows > 0, wholeColumns < n {
      gemm(
        .float32, wholeRows, n - wholeColumns, depth, a, left.form,
        b + right.form.offset(row: 0, column: wholeColumns) * size, right.form,
        target + wholeColumns * size, leading: columns, accumulate: accumulate)
    }
  }

  private func source(_ side: Side, _ index: Int, _ part: Int) -> UnsafeMutableRawPointer {
    let matrix = side.pointer + side.starts[index] * y.dtype.size
    guard let copy = side.copy else { return matrix }
    let room = workspace.base(part: part) + side.room
    copy.run(matrix, room)
    return room
  }
}

/// One product cut into blocks of nearly equal size, one a thread.
struct ProductBlocks {
  /// Fewer multiplications than this (some 20 microseconds) are not worth a thread of their own: its factors and its
  /// result then move from one core's cache to another's for longer than it works on them. Measured: a step of a
  /// 784-32-10 network takes 45 microseconds with its products of 800,000 cut in two, and 38 without.
  static let grain = 1_000_000

  private let blocks: [(rows: Range<Int>, columns: Range<Int>)]

  /// The grid with the least to pack: BLAS rearranges `rows·depth` and `depth·columns` elements for each block.
  init(
    rows: Int, columns: Int, depth: Int, _ threads: Int, _ precision: ProductPrecision = .exact
  ) {
    // Whole register tiles of the kernels.
    let tile = precision == .exact ? (rows: 16, columns: 16) : (rows: 12, columns: 32)
    let parts = max(1, min(threads, rows * columns * depth / Self.grain))
    var best = [(rows: 0..<rows, columns: 0..<columns)]
    var cost = Int.max
    for down in 1...parts where parts % down == 0 {
      let bands = Workspace.parts(rows, threads: down, multiple: tile.rows)
      let strips = Workspace.parts(columns, threads: parts / down, multiple: tile.columns)
      guard let band = bands.map(\.count).max(), let strip = strips.map(\.count).max() else {
        continue
      }
      let own = band * strip * depth + 16 * (band + strip) * depth
      if own < cost {
        cost = own
        best = bands.flatMap { band in strips.map { (band, $0) } }
      }
    }
    blocks = best
  }

  var count: Int { blocks.count }
  subscript(part: Int) -> (rows: Range<Int>, columns: Range<Int>) { blocks[part] }
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
