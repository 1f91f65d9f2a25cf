import Foundation
import Synchronization

/// Memory of tensors, aligned to ``alignment`` bytes.
///
/// `@unchecked Sendable`: the object itself never changes. What its memory holds is written
/// - for a `Tensor` by whoever makes it (its initializers, `apply`, `Dataset.gather`), before there is a tensor to read;
/// - for a `Variable` that plans know (`pin`, `move`) by those plans and `Variable.store`, all on the thread of the module or
///   optimizer that it belongs to, since a `Variable` is not Sendable; who reads it gets a copy (`Variable.stored`);
/// - for inputs, arena and scratch memory of a `Plan` by the thread that runs it, which is not Sendable either, by the workers
///   of its `ThreadPool`, which are done when a kernel returns, and by a `Prefetcher`, in an input buffer that is read after it was
///   waited for only; results are copies (`Plan.readOutputs`).
package final class Storage: @unchecked Sendable {
  /// The bytes of a cache line and of the widest vector.
  package static let alignment = 64

  /// `bytes` rounded up to whole cache lines, so that what follows is aligned too.
  package static func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) & ~(alignment - 1) }

  /// The first byte.
  package let pointer: UnsafeMutableRawPointer
  /// The number of bytes.
  package let byteCount: Int
  /// What keeps the memory alive when this storage is a part of something larger.
  private let owner: AnyObject?

  /// Fresh memory, not initialised. Where the system has none to give the program ends with an error that says so.
  package convenience init(byteCount: Int) {
    do throws(EngineError) { try self.init(asking: byteCount) } catch { ProgramEnd.stop(error) }
  }

  /// Fresh memory, not initialised.
  ///
  /// - Throws: ``EngineError/invalidArgument(message:)`` when the system has none to give.
  package init(asking byteCount: Int) throws(EngineError) {
    var memory: UnsafeMutableRawPointer?
    guard byteCount >= 0, posix_memalign(&memory, Self.alignment, max(byteCount, 1)) == 0,
      let memory
    else {
      throw .invalidArgument(
        message: "\(byteCount) bytes of memory were asked for, which the system cannot give: work "
          + "on smaller batches or tensors")
    }
    self.byteCount = byteCount
    self.owner = nil
    pointer = memory
    StorageStatistics.count(byteCount)
  }

  /// Whether the system has `byteCount` bytes to give: for sizes that a file says, since ``init(byteCount:)`` stops the
  /// program when it has not.
  package static func isAvailable(_ byteCount: Int) -> Bool {
    guard byteCount >= 1 << 24 else { return true }
    // Linux promises more than there is.
    guard UInt64(byteCount) < ProcessInfo.processInfo.physicalMemory else { return false }
    guard let memory = malloc(byteCount) else { return false }
    free(memory)
    return true
  }

  /// A part of memory that `owner` keeps alive.
  package init(_ pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit {
    guard owner == nil else { return }
    free(pointer)
    StorageStatistics.release(byteCount)
  }
}

/// Counts of tensor memory.
public enum StorageStatistics {
  private static let live = Atomic<Int>(0)
  @TaskLocal private static var counter: Counter?

  private final class Counter: Sendable {
    let allocations = Atomic<Int>(0)
  }

  /// Bytes of tensor memory that this process uses now.
  public static var liveBytes: Int { live.load(ordering: .relaxed) }

  /// How many times `body` took memory for tensors, on this thread.
  ///
  /// - Throws: what `body` throws.
  public static func allocations(during body: () throws -> Void) rethrows -> Int {
    let counter = Counter()
    try $counter.withValue(counter, operation: body)
    return counter.allocations.load(ordering: .relaxed)
  }

  static func count(_ bytes: Int) {
    counter?.allocations.add(1, ordering: .relaxed)
    live.add(bytes, ordering: .relaxed)
  }

  static func release(_ bytes: Int) { live.subtract(bytes, ordering: .relaxed) }
}
