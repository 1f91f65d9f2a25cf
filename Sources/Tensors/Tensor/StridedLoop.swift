import CKernels

/// A loop nest over several operands of one shape, with neighbouring axes merged where all operands allow it.
struct StridedLoop {
  /// What the C driver can take.
  private static let maximumRank = 16

  private(set) var shape: [Int]
  private(set) var strides: [[Int]]

  /// - Parameters:
  ///   - full: the common shape, of rank 16 at most after merging.
  ///   - operands: one list of strides (in elements) an operand; the output is last; 4 at most.
  init(shape full: Shape, strides operands: [[Int]]) {
    var shape: [Int] = []
    var strides = [[Int]](repeating: [], count: operands.count)
    for axis in 0..<full.rank where full.dimensions[axis] != 1 {
      let length = full.dimensions[axis]
      if let last = shape.indices.last,
        operands.indices.allSatisfy({ strides[$0][last] == operands[$0][axis] * length })
      {
        shape[last] *= length
        for index in operands.indices { strides[index][last] = operands[index][axis] }
      } else {
        shape.append(length)
        for index in operands.indices { strides[index].append(operands[index][axis]) }
      }
    }
    if shape.count > Self.maximumRank {
      // Copies of elements that nobody sees: the error is thrown, or has ended the program.
      fail(
        EngineError.shape(
          operation: "strides",
          message: "operations work on \(Self.maximumRank) axes at most that cannot be joined, got "
            + "\(shape.count) in \(full)"))
      shape.removeLast(shape.count - Self.maximumRank)
      strides = strides.map { Array($0.prefix(Self.maximumRank)) }
    }
    self.shape = shape
    self.strides = strides
  }

  /// How many elements there are.
  var count: Int { shape.reduce(1, *) }

  /// The loop cut along its first axis into at most `count` pieces, each with where it starts in every operand, in
  /// elements.
  func cut(into count: Int) -> [(piece: StridedLoop, offsets: [Int])] {
    // Pieces of one long axis begin at whole cache lines.
    let multiple = shape.count == 1 ? 64 : 1
    let ranges = Workspace.parts(shape.first ?? 1, threads: count, multiple: multiple)
    guard ranges.count > 1 else { return [(self, strides.map { _ in 0 })] }
    return ranges.map { range in
      var piece = self
      piece.shape[0] = range.count
      return (piece, strides.map { $0[0] * range.lowerBound })
    }
  }

  /// The form that the C driver takes.
  var c: apus_loop {
    var loop = apus_loop()
    loop.rank = Int32(shape.count)
    withUnsafeMutableBytes(of: &loop.shape) { bytes in
      let target = bytes.bindMemory(to: Int.self)
      for (axis, length) in shape.enumerated() { target[axis] = length }
    }
    withUnsafeMutableBytes(of: &loop.stride) { bytes in
      let target = bytes.bindMemory(to: Int.self)
      for (operand, list) in strides.enumerated() {
        for (axis, step) in list.enumerated() { target[operand * 16 + axis] = step }
      }
    }
    return loop
  }
}

/// A loop nest at a fixed address, so that a kernel passes a pointer and copies nothing.
final class LoopNest {
  let pointer: UnsafeMutablePointer<apus_loop>

  init(_ loop: StridedLoop) {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: loop.c)
  }

  deinit { pointer.deallocate() }
}

extension Workspace {
  /// A kernel that runs a loop over elements in pieces, one a thread.
  ///
  /// - Parameters:
  ///   - loop: over all elements.
  ///   - make: gives the work on a piece, which starts `offsets` elements into each operand.
  /// - Returns: the kernel.
  func parallel(
    _ loop: StridedLoop, _ make: (_ piece: StridedLoop, _ offsets: [Int]) -> () -> Void
  ) -> Kernel {
    let pieces = loop.cut(into: min(threads, loop.count / Self.elementGrain)).map(make)
    return pieces.count == 1 ? pieces[0] : parallel(pieces.count) { _, part in pieces[part]() }
  }
}
