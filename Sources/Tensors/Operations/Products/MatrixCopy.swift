import CKernels

/// A copy of the last two axes of an operand to row-major order, for matrices that BLAS cannot read
/// where they are.
struct MatrixCopy {
  private let nest: LoopNest
  private let size: Int32

  init(_ x: Operand) {
    let rank = x.shape.rank
    let shape: Shape = [x.shape[-2], x.shape[-1]]
    let strides = [x.strides[rank - 2], x.strides[rank - 1]]
    nest = LoopNest(StridedLoop(shape: shape, strides: [strides, shape.rowMajorStrides]))
    size = Int32(x.dtype.size)
  }

  func run(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    apus_copy_strided(nest.pointer, size, source, target)
  }
}
