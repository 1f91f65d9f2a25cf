import CKernels

extension Tensor {
  /// Copies `rows` of the first axis, one after the other.
  ///
  /// - Precondition: the tensor has values that lie in row-major order, and every row is one of its own.
  package func copyRows(_ rows: UnsafeBufferPointer<Int64>, to target: UnsafeMutableRawPointer) {
    guard let storage, let indices = rows.baseAddress else { return }
    let rowBytes = elementCount / Swift.max(shape.first ?? 0, 1) * dtype.size
    apus_gather_rows(target, storage.pointer + offset * dtype.size, rowBytes, indices, rows.count)
  }
}
