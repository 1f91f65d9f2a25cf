import CKernels

/// An elementwise program bound to memory: runs on any range of rows, on any thread.
///
/// Every operation reads and writes *tiles*: some elements of each operand, and memory for each intermediate result. Where a
/// tile begins is found by adding to where the last one began; an operation is then one call of a kernel.
///
/// There are two ways through the elements. *In one line*: every operand is without gaps, constant, or a short row that
/// repeats (the bias of a few channels), which is written out to a tile of whole rows beforehand. Else *row by row*.
final class ElementwiseRunner {
  /// Elements that go through all operations together.
  static let tileLength = 1024

  private struct BoundOperand {
    let pointer: UnsafeMutableRawPointer
    let size: Int
    /// Bytes from column to column.
    let columnStep: Int
    /// Bytes from row to row where there is at most one axis before the last.
    let rowStep: Int
    /// Where a short row that repeats is written out, in bytes from the start of the workspace.
    var room: Int?
  }

  /// Rows of the loop: the axes before the last, taken together.
  let rows: Int
  /// Elements of a row.
  let columns: Int

  private let workspace: Workspace
  private let operations: UnsafeMutableBufferPointer<BoundElementwiseOperation>
  /// What the operations call.
  private let kernels: [ElementwiseKernel]
  private let operands: UnsafeMutableBufferPointer<BoundOperand>
  /// For each thread where its tiles begin, padded to whole cache lines.
  private let partTiles: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let tilesPerPart: Int
  private let registerCount: Int
  private let outer: [Int]
  private let outerStrides: [[Int]]
  private let isLine: Bool
  /// Elements of a tile of the line: whole rows where rows repeat.
  private let unit: Int

  /// - Parameters:
  ///   - program: what is computed.
  ///   - inputs: what it reads; any strides.
  ///   - output: where results go; row-major.
  ///   - workspace: scratch memory and threads.
  ///   - keepsRows: whether the last axis (2 elements or more) stays apart, so that rows are those of the output's shape;
  ///     else neighbouring axes become one where that is possible.
  init(
    _ program: ElementwiseProgram, _ inputs: [Operand], _ output: Operand, _ workspace: Workspace,
    keepsRows: Bool = false
  ) {
    self.workspace = workspace
    let all = inputs + [output]
    let split = output.shape.rank - (keepsRows ? 1 : 0)
    let loop = StridedLoop(
      shape: Shape(Array(output.shape.dimensions.prefix(split))),
      strides: all.map { Array($0.strides.prefix(split)) })
    let strides: [Int]
    if keepsRows {
      (outer, outerStrides, columns) = (loop.shape, loop.strides, output.shape[-1])
      strides = all.map { $0.strides[split] }
    } else {
      outer = Array(loop.shape.dropLast())
      outerStrides = loop.strides.map { Array($0.dropLast()) }
      columns = loop.shape.last ?? 1
      strides = loop.strides.map { $0.last ?? 0 }
    }
    rows = outer.reduce(1, *)

    // Which way: by the strides from row to row and from column to column.
    var shortRows: [Int] = []
    var fits = outer.count <= 1
    for index in all.indices where fits {
      switch (outerStrides[index].first ?? strides[index] * columns, strides[index]) {
      case (columns, 1), (0, 0): break
      case (0, 1): shortRows.append(index)
      default: fits = false
      }
    }
    isLine = fits && (shortRows.isEmpty || 2 * columns <= Self.tileLength)
    unit =
      shortRows.isEmpty || !isLine
      ? Self.tileLength : Self.tileLength / max(columns, 1) * max(columns, 1)

    let registers = ElementwiseRegisters(program)
    registerCount = registers.count
    let tileBytes = Self.tileLength * 8
    operands = .allocate(capacity: all.count)
    for (index, operand) in all.enumerated() {
      let rank = isLine ? shortRows.firstIndex(of: index) : nil
      operands.initializeElement(
        at: index,
        to: BoundOperand(
          pointer: operand.pointer, size: operand.dtype.size,
          columnStep: strides[index] * operand.dtype.size,
          rowStep: (outerStrides[index].first ?? 0) * operand.dtype.size,
          room: rank.map { (registers.count + $0) * tileBytes }))
    }
    workspace.require(bytes: (registers.count + (isLine ? shortRows.count : 0)) * tileBytes)
    tilesPerPart = (all.count + registers.count + 7) / 8 * 8
    partTiles = .allocate(capacity: tilesPerPart * workspace.threads)
    partTiles.initialize(repeating: output.pointer, count: tilesPerPart * workspace.threads)

    kernels = program.operations.map { operation in
      guard let kernel = operation.primitive.elementwiseKernel(for: operation.inputTypes) else {
        fatalError(
          "\(operation.primitive.name): no kernel for \(operation.inputTypes), which infer admitted"
        )
      }
      return kernel
    }
    operations = .allocate(capacity: program.operations.count)
    for (index, operation) in program.operations.enumerated() {
      let sources = operation.sources.map { source in
        switch source {
        case .input(let operand):
          BoundElementwiseOperation.Place(tile: operand, stride: strides[operand])
        case .operation(let source):
          BoundElementwiseOperation.Place(tile: all.count + registers.register[source], stride: 1)
        }
      }
      let isLast = index == program.operations.count - 1
      operations.initializeElement(
        at: index,
        to: BoundElementwiseOperation(
          kernels[index], sources,
          target: isLast ? inputs.count : all.count + registers.register[index]))
    }
  }

  deinit {
    operations.deallocate()
    operands.deallocate()
    partTiles.deallocate()
  }

  /// The whole program, in parts.
  func kernel() -> Kernel {
    let (rows, columns, grain) = (rows, columns, Workspace.elementGrain)
    guard rows * columns > 0 else { return {} }
    if isLine {
      return workspace.parallel(rows * columns, grain: grain, multiple: unit) { elements, part in
        self.runLine(elements, part)
      }
    }
    if rows == 1 {
      return workspace.parallel(columns, grain: grain, multiple: Self.tileLength) { strip, part in
        self.run(rows: 0..<1, columns: strip, part)
      }
    }
    return workspace.parallel(rows, grain: max(1, grain / columns)) { block, part in
      self.run(rows: block, columns: 0..<columns, part)
    }
  }

  /// Runs on a block of the output.
  func run(rows block: Range<Int>, columns strip: Range<Int>, _ part: Int) {
    guard !block.isEmpty, !strip.isEmpty else { return }
    if isLine && strip.count == columns {
      runLine(block.lowerBound * columns..<block.upperBound * columns, part)
      return
    }
    let tiles = prepareTiles(part)
    for row in block {
      for index in operands.indices {
        tiles[index] =
          start(operands[index], index, row) + strip.lowerBound * operands[index].columnStep
      }
      var left = strip.count
      while left > 0 {
        let count = min(Self.tileLength, left)
        for operation in operations { operation.run(tiles, count) }
        left -= count
        if left > 0 {
          for index in operands.indices { tiles[index] += count * operands[index].columnStep }
        }
      }
    }
  }

  /// The first element of a row.
  @inline(__always)
  private func start(_ operand: BoundOperand, _ index: Int, _ row: Int) -> UnsafeMutableRawPointer {
    if outer.count <= 1 { return operand.pointer + row * operand.rowStep }
    var offset = 0
    var rest = row
    for axis in stride(from: outer.count - 1, through: 0, by: -1) {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: outer[axis])
      offset += position * outerStrides[index][axis]
      rest = quotient
    }
    return operand.pointer + offset * operand.size
  }

  /// Runs on elements in one line, of which the first is the first of a row where rows repeat.
  private func runLine(_ elements: Range<Int>, _ part: Int) {
    let tiles = prepareTiles(part)
    for (index, operand) in operands.enumerated() {
      guard let room = operand.room else {
        tiles[index] = operand.pointer + elements.lowerBound * operand.columnStep
        continue
      }
      tiles[index] = workspace.base(part: part) + room
      let rowBytes = columns * operand.size
      for copy in 0..<min(unit, elements.count) / columns {
        (tiles[index] + copy * rowBytes).copyMemory(from: operand.pointer, byteCount: rowBytes)
      }
    }
    var left = elements.count
    while left > 0 {
      let count = min(unit, left)
      for operation in operations { operation.run(tiles, count) }
      left -= count
      for index in operands.indices where operands[index].room == nil {
        tiles[index] += count * operands[index].columnStep
      }
    }
  }

  /// Where the tiles of a part begin, those of the registers filled in.
  private func prepareTiles(_ part: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer> {
    let tiles = partTiles + part * tilesPerPart
    if registerCount > 0 {
      let base = workspace.base(part: part)
      for register in 0..<registerCount {
        tiles[operands.count + register] = base + register * Self.tileLength * 8
      }
    }
    return tiles
  }
}
