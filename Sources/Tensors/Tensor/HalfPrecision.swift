import CKernels

/// 16 bits in which files and messages keep numbers of float32.
package enum HalfPrecision: String, Hashable, Sendable {
  /// IEEE 754: 11 bits of precision, at most 65504.
  case float16
  /// The upper half of a float32: 8 bits of precision.
  case bfloat16

  private var code: apus_half {
    switch self {
    case .float16: APUS_HALF_FLOAT16
    case .bfloat16: APUS_HALF_BFLOAT16
    }
  }

  /// Makes numbers of float32 at `target` from `count` little-endian ones at `source`, which need no alignment.
  package func widen(
    _ count: Int, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer
  ) {
    apus_widen_half(code, source, target.assumingMemoryBound(to: Float.self), count)
  }

  /// Adds `count` numbers at `source`, which need no alignment, to those of float32 at `target`.
  package func add(
    _ count: Int, from source: UnsafeRawPointer, to target: UnsafeMutablePointer<Float>
  ) {
    apus_add_half(code, source, target, count)
  }

  /// Rounds `count` numbers of float32 to the nearest, ties to even, and puts them at `target`, which needs no alignment.
  ///
  /// - Returns: whether no finite number was too large.
  package func narrow(
    _ count: Int, from source: UnsafePointer<Float>, to target: UnsafeMutableRawPointer
  ) -> Bool {
    apus_narrow_half(code, source, target, count) < 0
  }

  /// Rounds the elements of a float32 tensor to the nearest, ties to even.
  ///
  /// - Returns: `[elements, 2]` of uint8, the bytes in little-endian order; or the position of the first finite number that is
  ///   too large.
  package func narrowed(_ x: Tensor) -> (bytes: Tensor, overflow: Int?) {
    var overflow = -1
    let bytes = Tensor(shape: [x.elementCount, 2], dtype: .uint8) { target in
      x.withUnsafeBytes { source in
        guard let first = source.baseAddress else { return }
        overflow = apus_narrow_half(
          code, first.assumingMemoryBound(to: Float.self), target, x.elementCount)
      }
    }
    return (bytes, overflow < 0 ? nil : overflow)
  }
}
