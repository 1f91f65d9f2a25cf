import CKernels

extension ElementwiseKernel {
  /// The loop bound to operands of one shape and any strides, cut over threads.
  ///
  /// - Parameters:
  ///   - operands: the inputs, and then the output, which has elements.
  ///   - workspace: says how many threads there are.
  /// - Returns: the kernel.
  func bound(to operands: [Operand], _ workspace: Workspace) -> Kernel {
    let loop = StridedLoop(
      shape: operands[operands.count - 1].shape, strides: operands.map(\.strides))
    let sizes = operands.map(\.dtype.size)
    return workspace.parallel(loop) { piece, offsets in
      let pointers = operands.indices.map { operands[$0].pointer + offsets[$0] * sizes[$0] }
      return calls(piece, pointers, sizes)
    }
  }

  /// One call of the loop where there is one axis, and a nest of loops around it otherwise.
  private func calls(
    _ loop: StridedLoop, _ p: [UnsafeMutableRawPointer], _ sizes: [Int]
  ) -> () -> Void {
    let isRow = loop.shape.count <= 1
    let (steps, count) = (loop.strides.map { $0.last ?? 1 }, loop.count)
    let widths = sizes.map { Int32($0) }
    switch function {
    case .unary(let function):
      let (x, y, stepX, widthX, widthY) = (p[0], p[1], steps[0], widths[0], widths[1])
      if isRow { return { function(x, stepX, y, count) } }
      let nest = LoopNest(loop)
      return { apus_run_unary(function, nest.pointer, widthX, x, widthY, y) }
    case .binary(let function):
      let (a, b, y, stepA, stepB) = (p[0], p[1], p[2], steps[0], steps[1])
      if isRow { return { function(a, stepA, b, stepB, y, count) } }
      let (nest, widthA, widthB, widthY) = (LoopNest(loop), widths[0], widths[1], widths[2])
      return { apus_run_binary(function, nest.pointer, widthA, a, widthB, b, widthY, y) }
    case .select(let function):
      let (c, a, b, y, stepC, stepA, stepB) = (
        p[0], p[1], p[2], p[3], steps[0], steps[1], steps[2]
      )
      if isRow { return { function(c, stepC, a, stepA, b, stepB, y, count) } }
      let (nest, width) = (LoopNest(loop), widths[3])
      return { apus_run_select(function, nest.pointer, width, c, a, b, y) }
    case .loop(let elements): return rows(of: elements, loop, p, sizes)
    }
  }

  /// A loop in Swift, called for each row of the innermost axis.
  private func rows(
    of elements: ElementLoop, _ loop: StridedLoop, _ p: [UnsafeMutableRawPointer], _ sizes: [Int]
  ) -> () -> Void {
    let output = p.count - 1
    // The inputs that there are not are the last one again.
    let places = [0, min(1, output - 1), min(2, output - 1), output]
    let lengths = Array(loop.shape.dropLast())
    let (rowCount, columns) = (lengths.reduce(1, *), loop.shape.last ?? 1)
    let pointers = places.map { p[$0] }
    let columnStrides = places.map { loop.strides[$0].last ?? 1 }
    let rowStrides = places.map { place in
      loop.strides[place].dropLast().map { $0 * sizes[place] }
    }
    return {
      for row in 0..<rowCount {
        func start(_ index: Int) -> UnsafeMutableRawPointer {
          var (offset, rest) = (0, row)
          for axis in stride(from: lengths.count - 1, through: 0, by: -1) {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: lengths[axis])
            offset += position * rowStrides[index][axis]
            rest = quotient
          }
          return pointers[index] + offset
        }
        elements.run(
          (start(0), columnStrides[0]), (start(1), columnStrides[1]),
          (start(2), columnStrides[2]), start(3), columns)
      }
    }
  }
}
