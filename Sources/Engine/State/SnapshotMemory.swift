import Tensors

/// Memory for copies of variables, kept from one snapshot to the next: what is copied while a training waits is a copy and nothing more.
final class SnapshotMemory {
  private var block = Storage(byteCount: 0)

  /// The values of `variables` at this moment. They are good until the next call.
  func copy(_ variables: [Variable]) -> [Tensor] {
    let bytes = variables.reduce(0) { $0 + Storage.aligned($1.spec.byteCount) }
    if block.byteCount < bytes { block = Storage(byteCount: bytes) }
    var offset = 0
    return variables.map { variable in
      let place = Storage(
        block.pointer + offset, byteCount: variable.spec.byteCount, owner: block)
      offset += Storage.aligned(variable.spec.byteCount)
      variable.copyValue(to: place.pointer)
      return Tensor(
        layout: Layout(rowMajor: variable.shape), dtype: variable.dtype, storage: place)
    }
  }
}
