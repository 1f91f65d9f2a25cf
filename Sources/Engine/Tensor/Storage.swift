import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Memory of tensors, aligned to 64 bytes.
///
/// `@unchecked Sendable`: memory is written only before the storage is handed out as a `Tensor`, or by the one
/// plan that owns it as a variable, which gives out copies only.
package final class Storage: @unchecked Sendable {
  /// The first byte.
  package let pointer: UnsafeMutableRawPointer
  /// The number of bytes.
  package let byteCount: Int
  /// What keeps the memory alive when this storage is a part of something larger.
  private let owner: AnyObject?

  /// Fresh memory, not initialised.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    self.owner = nil
    pointer = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    StorageStatistics.count(byteCount)
  }

  /// A part of memory that `owner` keeps alive.
  package init(_ pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit {
    guard owner == nil else { return }
    pointer.deallocate()
    StorageStatistics.release(byteCount)
  }
}

/// Counts of tensor memory in this process.
public enum StorageStatistics {
  private static let allocated = Atomic<Int>(0)
  private static let live = Atomic<Int>(0)

  /// How many times memory for tensors was allocated since the program began.
  public static var allocationCount: Int { allocated.load(ordering: .relaxed) }

  /// Bytes of tensor memory in use now.
  public static var liveBytes: Int { live.load(ordering: .relaxed) }

  static func count(_ bytes: Int) {
    allocated.add(1, ordering: .relaxed)
    live.add(bytes, ordering: .relaxed)
  }

  static func release(_ bytes: Int) { live.subtract(bytes, ordering: .relaxed) }
}
