import CKernels

/// A batch of products `y = a · b` of floating-point matrices, `[..., m, k]` and `[..., k, n]`.
///
/// Float32 is multiplied by this engine's own kernel on x86-64 (``Float32Product``), so that no bit of a training hangs on
/// which BLAS there is; float64, and float32 on other CPUs, by BLAS.
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
  private let rounded = RoundedProduct()
  /// What float32 is multiplied by.
  private let own: Float32Product?
  /// Where the kernel's scratch memory is in the workspace: after the copies of factors.
  private let scratchOffset: Int

  /// One factor: read where it is, or copied to the workspace, one matrix at a time.
  private struct Side {
    let pointer: UnsafeMutableRawPointer
    /// Where each matrix starts, in elements.
    let starts: [Int]
    let form: MatrixForm
    /// Distances between neighbours, after copying.
    let strides: (row: Int, column: Int)
    let copy: MatrixCopy?
    /// Where its copy is in the workspace, and how long it is.
    var room = 0..<0

    init(_ x: Operand, _ starts: [Int], _ precision: ProductPrecision) {
      let rank = x.shape.rank
      let own = (row: x.strides[rank - 2], column: x.strides[rank - 1])
      let found = MatrixForm(
        rows: x.shape[-2], columns: x.shape[-1], rowStride: own.row, columnStride: own.column)
      pointer = x.pointer
      self.starts = starts
      form = found ?? MatrixForm(isTransposed: false, leading: x.shape[-1])
      // Rounding rearranges the elements anyway.
      strides = precision == .bfloat16 ? own : form.strides
      copy = found == nil && precision == .exact ? MatrixCopy(x) : nil
    }

    /// Takes room for a copy of `elements` from `offset` on.
    mutating func makeRoom(_ elements: Int, from offset: Int, size: Int) {
      room = offset..<offset + (copy == nil ? 0 : Storage.aligned(elements * size))
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
    var left = Side(a, starts.a, precision)
    var right = Side(b, starts.b, precision)
    left.makeRoom(rows * depth, from: 0, size: y.dtype.size)
    right.makeRoom(depth * columns, from: left.room.upperBound, size: y.dtype.size)
    scratchOffset = right.room.upperBound
    own =
      precision == .exact && y.dtype == .float32
      ? Float32Product(
        rows: rows, columns: columns, depth: depth, left.strides, right.strides,
        scratchOffset: scratchOffset) : nil
    let scratch = precision == .bfloat16 ? rounded.scratchBytes : own?.scratchBytes ?? 0
    workspace.require(bytes: scratchOffset + scratch)
    (self.left, self.right) = (left, right)
  }

  /// Whether factors are read where they are, so that blocks of one product can be computed apart.
  private var isDirect: Bool { left.copy == nil && right.copy == nil }

  /// The whole batch, in parts: of the batch, or of the one product there is.
  var kernel: Kernel {
    if depth == 0 {
      let (target, bytes) = (y.pointer, y.elementCount * y.dtype.size)
      return { target.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
    }
    if count == 1 { return kernel(around: BlockWork()) }
    let grain = max(1, ProductBlocks.grain / max(rows * columns * depth, 1))
    return workspace.parallel(count, grain: grain) { items, part in
      for index in items { multiply(index, rows: 0..<rows, columns: 0..<columns, part: part) }
    }
  }

  /// The one product there is, in blocks with `work` around each: one fork for all of it.
  func kernel(around work: BlockWork) -> Kernel {
    let blocks = ProductBlocks(
      rows: rows, columns: columns, depth: depth, isDirect ? workspace.threads : 1, precision,
      readsInPlace: own != nil && right.strides.column == 1)
    return workspace.parallel(blocks.count) { _, part in
      let (rows, columns) = blocks[part]
      work.before?(rows, columns, part)
      multiply(0, rows: rows, columns: columns, part: part, accumulate: work.accumulates)
      work.after?(rows, columns, part)
    }
  }

  /// A block of the product number `index`: the whole of it unless ``isDirect``.
  ///
  /// - Parameters:
  ///   - index: which product.
  ///   - block: rows of the result.
  ///   - strip: columns of the result.
  ///   - part: whose scratch memory is used.
  ///   - accumulate: whether the block is added to what is in its place.
  func multiply(
    _ index: Int, rows block: Range<Int>, columns strip: Range<Int>, part: Int,
    accumulate: Bool = false
  ) {
    let size = y.dtype.size
    let a = source(left, index, part) + block.lowerBound * left.strides.row * size
    let b = source(right, index, part) + strip.lowerBound * right.strides.column * size
    let target = y.pointer + ((index * rows + block.lowerBound) * columns + strip.lowerBound) * size
    if precision == .bfloat16 {
      rounded.multiply(
        block.count, strip.count, depth, a, left.strides, b, right.strides, target,
        leading: columns, accumulate: accumulate, workspace.base(part: part))
    } else if let own {
      own(
        block.count, strip.count, a, b, target, leading: columns, accumulate: accumulate,
        workspace, part: part)
    } else {
      gemm(
        y.dtype, block.count, strip.count, depth, a, left.form, b, right.form, target,
        leading: columns, accumulate: accumulate)
    }
  }

  private func source(_ side: Side, _ index: Int, _ part: Int) -> UnsafeMutableRawPointer {
    let matrix = side.pointer + side.starts[index] * y.dtype.size
    guard let copy = side.copy else { return matrix }
    let room = workspace.base(part: part) + side.room.lowerBound
    copy.run(matrix, room)
    return room
  }
}
