import CKernels

extension ElementwiseKernel {
  /// The loop bound to memory, inputs and output of one shape and any strides, cut over threads.
  ///
  /// - Parameters:
  ///   - inputs: what it reads.
  ///   - output: what it writes, at least one element.
  ///   - workspace: says how many threads there are.
  /// - Returns: the kernel.
  func bound(to inputs: [Operand], _ output: Operand, _ workspace: Workspace) -> Kernel {
    var strides: [[Int]] = []
    strides.reserveCapacity(inputs.count + 1)
    for input in inputs { strides.append(input.strides) }
    strides.append(output.strides)
    let loop = StridedLoop(shape: output.shape, strides: strides)
    return workspace.parallel(loop) { piece, offsets in calls(piece, inputs, output, offsets) }
  }

  /// One call of the loop where there is one axis, and a nest of loops around it otherwise.
  ///
  /// Every eager operation comes by: nothing is collected in arrays.
  private func calls(
    _ loop: StridedLoop, _ inputs: [Operand], _ output: Operand, _ offsets: [Int]
  ) -> () -> Void {
    let isRow = loop.shape.count <= 1
    func operand(_ index: Int) -> Operand { index < inputs.count ? inputs[index] : output }
    func pointer(_ index: Int) -> UnsafeMutableRawPointer {
      operand(index).pointer + offsets[index] * operand(index).dtype.size
    }
    func step(_ index: Int) -> Int { loop.strides[index].last ?? 1 }
    func width(_ index: Int) -> Int32 { Int32(operand(index).dtype.size) }
    switch function {
    case .unary(let function):
      let (x, y, stepX, count) = (pointer(0), pointer(1), step(0), loop.count)
      if isRow { return { function(x, stepX, y, count) } }
      let (nest, widthX, widthY) = (LoopNest(loop), width(0), width(1))
      return { apus_run_unary(function, nest.pointer, widthX, x, widthY, y) }
    case .binary(let function):
      let (a, b, y) = (pointer(0), pointer(1), pointer(2))
      let (stepA, stepB, count) = (step(0), step(1), loop.count)
      if isRow { return { function(a, stepA, b, stepB, y, count) } }
      let (nest, widthA, widthB, widthY) = (LoopNest(loop), width(0), width(1), width(2))
      return { apus_run_binary(function, nest.pointer, widthA, a, widthB, b, widthY, y) }
    case .select(let function):
      let (c, a, b, y) = (pointer(0), pointer(1), pointer(2), pointer(3))
      let (stepC, stepA, stepB, count) = (step(0), step(1), step(2), loop.count)
      if isRow { return { function(c, stepC, a, stepA, b, stepB, y, count) } }
      let (nest, width) = (LoopNest(loop), width(3))
      return { apus_run_select(function, nest.pointer, width, c, a, b, y) }
    case .loop(let elements):
      return rows(
        of: elements, loop, offsets.indices.map(pointer),
        inputs.map(\.dtype.size) + [output.dtype.size])
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
