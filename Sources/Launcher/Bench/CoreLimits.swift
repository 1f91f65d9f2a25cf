import CKernels
import Foundation

/// What a core and its memory can do at most.
enum CoreLimits {
  /// 10⁹ operations a second of fused multiply-adds on registers, one thread.
  static func fmaGFLOPS() -> Double {
    var result: Float = 0.3
    var operations = 0.0
    let times = Times.measure(samples: 9) { operations = apus_fma_loop(1_000_000, &result) }
    return operations / times.fastest / 1e9
  }

  /// The speed of memory, for arrays of one size.
  struct Memory: Encodable, Sendable {
    /// Bytes of an array.
    var bytes: Int
    /// 10⁹ bytes a second that memcpy copies from one array to another (it moves twice as many).
    var copyGbPerS: Double
    /// 10⁹ bytes a second read from one array.
    var readGbPerS: Double
  }

  /// Sizes that fit a first-level cache, a second-level one, a third-level one, and none.
  static let memorySizes = [32 << 10, 256 << 10, 2 << 20, 16 << 20, 128 << 20]

  /// Measures copying and reading on one thread.
  static func memory(bytes: Int) -> Memory {
    // Half a page apart: a load from the place in its page where a store is under way would wait for it.
    let block = UnsafeMutableRawPointer.allocate(byteCount: 2 * bytes + 2048, alignment: 4096)
    defer { block.deallocate() }
    let floats = block.initializeMemory(as: Float.self, repeating: 1, count: bytes / 2 + 512)
    let target = block + bytes + 2048
    var result: Float = 0
    let copy = Times.measure { target.copyMemory(from: block, byteCount: bytes) }
    let read = Times.measure { apus_read_loop(floats, bytes / 4, &result) }
    func speed(_ times: Times) -> Double {
      (Double(bytes) / times.median / 1e9).rounded(places: 1)
    }
    return Memory(bytes: bytes, copyGbPerS: speed(copy), readGbPerS: speed(read))
  }
}

/// `32 KiB`, `16 MiB`
func bytesText(_ bytes: Int) -> String {
  bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
}
