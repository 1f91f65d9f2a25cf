import CKernels

/// A kernel that writes zeros, some on each thread.
func zeroKernel(_ y: Operand, _ workspace: Workspace) -> Kernel {
  let (target, size) = (y.pointer, y.dtype.size)
  // Nothing is read and nothing computed: a thread is worth it for more elements than elsewhere.
  return workspace.parallel(
    y.elementCount, grain: 4 * Workspace.elementGrain, multiple: 64
  ) { items, _ in
    (target + items.lowerBound * size).initializeMemory(
      as: UInt8.self, repeating: 0, count: items.count * size)
  }
}

/// A kernel that copies `x` to `y`, which have one shape and any strides.
func copyKernel(_ x: Operand, _ y: Operand, _ workspace: Workspace) -> Kernel {
  copyKernel(
    from: x.pointer, strides: x.strides, to: y.pointer, strides: y.strides, shape: y.shape,
    size: y.dtype.size, workspace)
}

/// A kernel that copies elements of `size` bytes between two layouts of one shape.
func copyKernel(
  from source: UnsafeMutableRawPointer, strides sourceStrides: [Int],
  to target: UnsafeMutableRawPointer, strides targetStrides: [Int], shape: Shape, size: Int,
  _ workspace: Workspace
) -> Kernel {
  guard shape.elementCount > 0 else { return {} }
  let loop = StridedLoop(shape: shape, strides: [sourceStrides, targetStrides])
  return workspace.parallel(loop) { piece, offsets in
    let (from, to) = (source + offsets[0] * size, target + offsets[1] * size)
    if piece.shape.isEmpty || (piece.shape.count == 1 && piece.strides.allSatisfy { $0 == [1] }) {
      let bytes = piece.count * size
      return { to.copyMemory(from: from, byteCount: bytes) }
    }
    let nest = LoopNest(piece)
    let width = Int32(size)
    return { apus_copy_strided(nest.pointer, width, from, to) }
  }
}
